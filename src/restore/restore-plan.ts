import type { AuditError } from '../base/errors.js'
import type { MirrorLocations } from '../base/mirror-locations.js'
import type { ChainHead } from '../chain/entry.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import { ownMirrorNotMapped } from '../verify/domain-conflicts.js'
import { mappedChains } from '../verify/mirror/mapped-chains.js'
import { doubtsBeside, type MirroredChains, mirroredChains } from '../verify/mirror/mirrored-chains.js'
import type { ChainToRestore } from './restore-chain.js'
import type { RestoreDeps } from './restore-deps.js'

/** What the caller of a restore of every chain asks for. */
export interface RestoreAllRequest {
  /** Heads known from elsewhere, by chain. */
  readonly pins: ReadonlyMap<string, readonly ChainHead[]>
  readonly allowBrokenTail: boolean
}

/** One chain of a restore of every chain: from where it is restored, or why it cannot be. */
export type PlannedChain = ChainToRestore | { readonly domainId: string; readonly refused: AuditError }

/** The chains of a restore, and why they may not be all. */
export interface RestorePlan {
  readonly chains: readonly PlannedChain[]
  readonly doubts: readonly AuditError[]
}

/**
 * Returns every chain that the default mirror, its platform chain or a pin names, or that the mirror of its line in the map
 * holds or could not be asked for; the platform chain first.
 */
export async function planRestore(
  request: RestoreAllRequest,
  { mirrorAt, locations, codec }: RestoreDeps,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const store = await mirrorAt(locations.ofChosen(PLATFORM_ANCHOR))
  const mirrored = await mirroredChains(store, codec, signal)
  const { found, unread } = await mappedChains(locations, mirrorAt, codec, signal)
  const others = new Set([
    ...mirrored.stored,
    ...mirrored.created.keys(),
    ...request.pins.keys(),
    ...found,
    ...unread.keys(),
  ])
  const hasPlatform = others.delete(PLATFORM_ANCHOR)
  const ids = [...(hasPlatform ? [PLATFORM_ANCHOR] : []), ...[...others].sort()]
  const chains = ids.map((domainId) => planned(domainId, mirrored, request, locations))
  return { chains, doubts: doubtsBeside(mirrored, found, store) }
}

/** A Domain that names a mirror of its own is restored only from where the operator says that this mirror is. */
function planned(
  domainId: string,
  { created, stored }: MirroredChains,
  { pins, allowBrokenTail }: RestoreAllRequest,
  locations: MirrorLocations,
): PlannedChain {
  const creation = created.get(domainId)
  const mirrorUrl = locations.of({ domainId, namesOwn: creation?.mirrorUrl !== undefined })
  if (mirrorUrl === undefined)
    return { domainId, refused: ownMirrorNotMapped(domainId, creation?.recorded, locations.defaultUrl) }
  const isExpected = creation !== undefined || (domainId === PLATFORM_ANCHOR && stored.has(domainId))
  return { domainId, pins: pins.get(domainId) ?? [], isExpected, allowBrokenTail, mirrorUrl }
}
