import { decodeCanonical } from '../chain/canonical.js'
import { LIMITS } from '../chain/limits.js'
import { domainOfObject, mirrorOfPath, SELF_AUDIT } from '../chain/self-audit.js'
import { isChainId, PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { KnownChains } from '../ports/domains.js'
import { type IndexedMirror, MAX_OBJECT_BYTES, type MirrorCodec, type MirrorStore } from '../ports/mirror.js'
import { type ListedRow, streamObjects } from './object-stream.js'

/** Returns the chains that the mirror has any object for, rows or not. */
export async function storedChains(
  store: IndexedMirror,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<Set<string>> {
  const folders = await store.folders(codec.prefix(), signal)
  return new Set(folders.filter(isChainId))
}

/** A Domain as the platform chain records its creation. */
export interface CreatedDomain {
  readonly domainId: string
  /** Its own mirror, if it was created with one. */
  readonly mirrorUrl?: string | undefined
  /** The row of the platform chain that records the creation. */
  readonly seq: number
}

/** The chains of a mirror, and the Domains that its copy of the platform chain records. */
export interface MirroredChains {
  readonly stored: ReadonlySet<string>
  /** By domain id. The first of several rows about one Domain counts, as in PostgreSQL. */
  readonly created: ReadonlyMap<string, CreatedDomain>
  /** Whether the platform chain must be here. A mirror that is only the own mirror of its Domains does not have it. */
  readonly expectsPlatform: boolean
}

/**
 * Lists the chains of a mirror. This comes before the Domains are verified, so that a Domain that is created meanwhile is
 * no false alarm. It does not judge the rows of the platform chain.
 */
export async function mirroredChains(
  store: IndexedMirror,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<MirroredChains> {
  const stored = await storedChains(store, codec, signal)
  const created = stored.has(PLATFORM_ANCHOR) ? await createdBy(store, codec, signal) : new Map()
  return { stored, created, expectsPlatform: await hasDefaultDomain(stored, store, codec, signal) }
}

/**
 * Returns the chains that a mirror has and those that it must have (`created`). It must have each Domain that its copy
 * of the platform chain records, except Domains with their own mirror. It must have the platform chain, unless it is such
 * a Domain's own mirror.
 */
export async function mirrorChains(
  store: IndexedMirror,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<KnownChains> {
  const { stored, created, expectsPlatform } = await mirroredChains(store, codec, signal)
  const here = [...created.values()].filter(({ mirrorUrl }) => mirrorUrl === undefined)
  const expected = new Set(here.map(({ domainId }) => domainId))
  if (expectsPlatform) expected.add(PLATFORM_ANCHOR)
  const elsewhere = [...created.values()].flatMap(({ domainId, mirrorUrl }) =>
    mirrorUrl === undefined || stored.has(domainId) ? [] : [{ domainId, mirrorUrl }],
  )
  const domainIds = [...new Set([...stored, ...expected])].sort()
  return { domainIds, registered: expected, created: expected, elsewhere }
}

async function createdBy(
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<Map<string, CreatedDomain>> {
  const created = new Map<string, CreatedDomain>()
  const range = { domainId: PLATFORM_ANCHOR, fromSeq: 1, toSeq: LIMITS.maxSeq }
  for await (const object of streamObjects(store, codec, range, signal)) {
    const domain = creationIn(object)
    if (domain !== undefined && !created.has(domain.domainId)) created.set(domain.domainId, domain)
  }
  return created
}

function creationIn(object: ListedRow): CreatedDomain | undefined {
  const canonical = object.kind === 'row' ? object.row.canonical : undefined
  if (canonical === undefined) return undefined
  const row = decodeCanonical(canonical)
  const domainId = row.relation === SELF_AUDIT.chainCreate ? domainOfObject(row.object) : undefined
  if (domainId === undefined) return undefined
  return { domainId, mirrorUrl: mirrorOfPath(row.relationPath), seq: object.seq }
}

/** Returns whether the mirror stores a Domain whose first row names no mirror of its own. */
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
