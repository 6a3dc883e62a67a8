import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { KnownChains, UnrecordedChain } from '../ports/domains.js'
import type { IndexedMirror, MirrorCodec, MirrorStore } from '../ports/mirror.js'
import { doubtsBeside, genesisOf, type MirroredChains, mirroredChains } from './mirror/mirrored-chains.js'

/** What the operator's map adds to a mirror. */
export interface ChainsOfMap {
  /** Returns whether the map gives this Domain a mirror. */
  readonly isMapped: (domainId: string) => boolean
  /** The Domains that were found in the mirror of their line. */
  readonly inMap: readonly string[]
}

/**
 * Returns the chains that a mirror has and those that it must have (`created`). It must have each Domain that its copy
 * of the platform chain records, except Domains with their own mirror. The mirror that the map gives such a Domain must
 * have it.
 */
export async function mirrorChains(
  store: IndexedMirror,
  codec: MirrorCodec,
  signal: AbortSignal,
  { isMapped, inMap }: ChainsOfMap,
): Promise<KnownChains> {
  const mirrored = await mirroredChains(store, codec, signal)
  const { stored, created, platformStart, platformEnd } = mirrored
  const given = [...created.values()].filter(
    ({ domainId, mirrorUrl }) => mirrorUrl === undefined || isMapped(domainId),
  )
  const expected = new Set(given.map(({ domainId }) => domainId))
  if (stored.has(PLATFORM_ANCHOR)) expected.add(PLATFORM_ANCHOR)
  const elsewhere = [...created.values()].flatMap(({ domainId, mirrorUrl }) =>
    mirrorUrl === undefined || stored.has(domainId) || isMapped(domainId) ? [] : [{ domainId, mirrorUrl }],
  )
  const domainIds = [...new Set([...stored, ...expected, ...inMap])].sort()
  const unrecorded = await unrecordedChains(mirrored, store, codec, signal)
  const isPlatformAhead = unrecorded.size > 0 && (await isAhead(mirrored, store, codec, signal))
  return {
    domainIds,
    registered: expected,
    created: expected,
    elsewhere,
    doubts: doubtsBeside(mirrored, inMap, store),
    unrecorded,
    platformStart,
    platformEnd,
    isPlatformAhead,
    lags: true,
  }
}

/** Returns the chains whose first row is here and whose creation the platform chain of this mirror does not record. */
async function unrecordedChains(
  { stored, created, named }: MirroredChains,
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<Map<string, UnrecordedChain>> {
  const unrecorded = new Map<string, UnrecordedChain>()
  // A mirror that lacks the platform chain says so by itself, or is the own mirror of its Domains.
  if (!stored.has(PLATFORM_ANCHOR)) return unrecorded
  for (const domainId of stored) {
    if (domainId === PLATFORM_ANCHOR || created.has(domainId) || named.has(domainId)) continue
    const genesis = await genesisOf(domainId, store, codec, signal)
    if (genesis !== undefined) unrecorded.set(domainId, { firstAt: genesis.recordedAt, isArchived: true })
  }
  return unrecorded
}

/** Milliseconds by which the clocks of a store and of a database may differ. S3 has whole seconds. */
const CLOCK_DIFFERENCE = 60_000

/** Returns whether the last row of the platform chain was stored before the time that it was recorded at. */
async function isAhead(
  { platformEnd, platformLast }: MirroredChains,
  store: IndexedMirror,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<boolean> {
  if (platformEnd === undefined || platformLast === undefined) return false
  const storedAt = await store.storedAt(codec.key(PLATFORM_ANCHOR, platformLast), signal)
  return storedAt !== undefined && BigInt(storedAt + CLOCK_DIFFERENCE) * 1_000n < platformEnd
}
