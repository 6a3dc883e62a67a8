import type { ChainHead } from '../chain/entry.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import { type MirroredChains, mirroredChains } from '../verify/mirror-chains.js'
import type { ChainToRestore } from './restore-chain.js'
import type { RestoreDeps } from './restore-deps.js'

/** What the caller of a restore of every chain asks for. */
export interface RestoreAllRequest {
  /** Heads known from elsewhere, by chain. */
  readonly pins: ReadonlyMap<string, readonly ChainHead[]>
  readonly allowBrokenTail: boolean
}

/** One chain of a restore of every chain. */
export interface PlannedChain extends ChainToRestore {
  /** The row of the platform chain that names the Domain's own mirror; trusted only once that row is known to be intact. */
  readonly namedBy?: number | undefined
}

/** Returns every chain that the mirror, its platform chain or a pin names, the platform chain first. */
export async function planRestore(
  request: RestoreAllRequest,
  { mirrorAt, codec }: RestoreDeps,
  signal: AbortSignal,
): Promise<PlannedChain[]> {
  const mirrored = await mirroredChains(await mirrorAt(), codec, signal)
  const others = new Set([...mirrored.stored, ...mirrored.created.keys(), ...request.pins.keys()])
  const hasPlatform = others.delete(PLATFORM_ANCHOR) || mirrored.expectsPlatform
  const ids = [...(hasPlatform ? [PLATFORM_ANCHOR] : []), ...[...others].sort()]
  return ids.map((domainId) => planned(domainId, mirrored, request))
}

function planned(
  domainId: string,
  { created, expectsPlatform }: MirroredChains,
  { pins, allowBrokenTail }: RestoreAllRequest,
): PlannedChain {
  const creation = created.get(domainId)
  const isExpected = creation !== undefined || (domainId === PLATFORM_ANCHOR && expectsPlatform)
  const chain = { domainId, pins: pins.get(domainId) ?? [], isExpected, allowBrokenTail }
  if (creation?.mirrorUrl === undefined) return chain
  return { ...chain, mirrorUrl: creation.mirrorUrl, namedBy: creation.seq }
}
