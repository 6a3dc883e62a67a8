import { decodeCanonical } from '../chain/canonical.js'
import { LIMITS } from '../chain/limits.js'
import { isUuid, NIL_UUID, PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { KnownChains, MirrorCodec, MirrorStore } from '../ports.js'
import { CHAIN_CREATE } from '../sink/genesis.js'
import { mirrorOfPath } from '../sink/mirror-step.js'
import { type ListedRow, MAX_OBJECT_BYTES, streamObjects } from './object-stream.js'

/** The chains that anything in a mirror is stored for, rows or not. */
export async function storedChains(
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<Set<string>> {
  const all = codec.prefix()
  const stored = new Set<string>()
  for await (const { key } of store.list(all, signal)) {
    const domainId = key.slice(all.length, key.indexOf('/', all.length))
    if (isUuid(domainId) && domainId !== NIL_UUID && key.startsWith(codec.prefix(domainId)))
      stored.add(domainId)
  }
  return stored
}

/**
 * The chains that a mirror has, and those that must be there (`created`): the Domains that its copy of the platform
 * chain says were created, but for those with a mirror of their own; and the platform chain, unless the mirror is such
 * a Domain's own. The platform chain is read before the Domains are: one that is created meanwhile is no false alarm.
 */
export async function mirrorChains(
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<KnownChains> {
  const stored = await storedChains(store, codec, signal)
  const created = await createdHere(store, codec, signal)
  if (await hasDefaultDomain(stored, store, codec, signal)) created.add(PLATFORM_ANCHOR)
  return { domainIds: [...new Set([...stored, ...created])].sort(), registered: created, created }
}

async function createdHere(
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<Set<string>> {
  const created = new Set<string>()
  const range = { domainId: PLATFORM_ANCHOR, fromSeq: 1, toSeq: LIMITS.maxSeq }
  for await (const object of streamObjects(store, codec, range, signal)) {
    const domainId = createdBy(object)
    if (domainId !== undefined) created.add(domainId)
  }
  return created
}

const DOMAIN_OBJECT = /^domain:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

function createdBy(object: ListedRow): string | undefined {
  const canonical = object.kind === 'row' ? object.row.canonical : undefined
  if (canonical === undefined) return undefined
  const row = decodeCanonical(canonical)
  if (row.relation !== CHAIN_CREATE || mirrorOfPath(row.relationPath) !== undefined) return undefined
  const domainId = DOMAIN_OBJECT.exec(row.object)?.[1]
  return domainId === NIL_UUID ? undefined : domainId
}

/** Whether a Domain is stored here whose first row does not say that this is a mirror of its own. */
async function hasDefaultDomain(
  stored: ReadonlySet<string>,
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<boolean> {
  for (const domainId of stored) {
    const place = { domainId, seq: 1 }
    const object = await store.get(codec.key(domainId, 1), MAX_OBJECT_BYTES, signal)
    const genesis = object === undefined ? undefined : await codec.decode(object.bytes, place)
    const hasOwn =
      genesis !== undefined && 'entry' in genesis && mirrorOfPath(genesis.entry.relationPath) !== undefined
    if (!hasOwn) return true
  }
  return false
}
