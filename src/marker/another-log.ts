import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { MirrorStore } from '../ports/mirror.js'
import { type EvidenceDeps, hashIn } from './evidence.js'

/**
 * Returns whether a mirror holds another chain under the id of a chain of this database: its first row is another one. Every
 * log has a platform chain of the same id, so this shows a mirror of another log.
 */
export async function holdsAnother(
  domainId: string,
  store: MirrorStore,
  { registry, codec }: EvidenceDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const own = await registry.hashOf(domainId, 1)
  if (own === undefined) return false
  const there = await hashIn(store, { domainId, seq: 1 }, codec, signal)
  return there !== undefined && there !== own
}

/** Returns whether the mirror is that of another log. */
export function isOfAnotherLog(
  store: MirrorStore,
  deps: EvidenceDeps,
  signal: AbortSignal,
): Promise<boolean> {
  return holdsAnother(PLATFORM_ANCHOR, store, deps, signal)
}
