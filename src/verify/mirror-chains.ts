import { decodeCanonical } from '../chain/canonical.js'
import { LIMITS } from '../chain/limits.js'
import { domainOfObject, mirrorOfPath, SELF_AUDIT } from '../chain/self-audit.js'
import { isUuid, NIL_UUID, PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { KnownChains } from '../ports/domains.js'
import type { IndexedMirror, MirrorCodec, MirrorStore } from '../ports/mirror.js'
import { type ListedRow, MAX_OBJECT_BYTES, streamObjects } from './object-stream.js'

/** The chains that anything in a mirror is stored for, rows or not. */
export async function storedChains(
  store: IndexedMirror,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<Set<string>> {
  const folders = await store.folders(codec.prefix(), signal)
  return new Set(folders.filter((name) => isUuid(name) && name !== NIL_UUID && name === name.toLowerCase()))
}

/** A Domain as its creation on the platform chain tells of it. */
export interface CreatedDomain {
  readonly domainId: string
  /** The mirror of its own that it was created with. */
  readonly mirrorUrl?: string | undefined
  /** Of the row of the platform chain that says so. */
  readonly seq: number
}

/** The chains of a mirror, and what its copy of the platform chain says was created. */
export interface MirroredChains {
  readonly stored: ReadonlySet<string>
  /** By domain id; of several rows about one Domain the first counts, as in Postgres. */
  readonly created: ReadonlyMap<string, CreatedDomain>
  /** Whether the platform chain must be here: not in a mirror of nothing but Domains whose own it is. */
  readonly expectsPlatform: boolean
}

/**
 * The platform chain is read before the Domains are: one that is created meanwhile is no false alarm. Nothing of what it
 * says is judged here.
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
 * The chains that a mirror has, and those that must be there (`created`): the Domains that its copy of the platform
 * chain says were created, but for those with a mirror of their own; and the platform chain, unless the mirror is such
 * a Domain's own.
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
