import { AuditError } from '../../base/errors.js'
import { nodeHasher } from '../../base/node-hasher.js'
import { storeFailure } from '../../base/store-failure.js'
import { decodeCanonical } from '../../chain/canonical.js'
import type { ChainedEntry, Entry } from '../../chain/entry.js'
import type { StoredRow } from '../../chain/fold.js'
import { LIMITS } from '../../chain/limits.js'
import { domainOfObject, mirrorOfPath, SELF_AUDIT } from '../../chain/self-audit.js'
import { isChainId, PLATFORM_ANCHOR } from '../../chain/uuid.js'
import {
  type IndexedMirror,
  MAX_OBJECT_BYTES,
  type MirrorCodec,
  type MirrorStore,
} from '../../ports/mirror.js'
import { type RecordedMirror, recordedMirror } from '../domain-conflicts.js'
import { streamObjects } from '../object-stream.js'
import { holdsChain } from './mapped-chains.js'

/**
 * Returns the chains that the mirror has an object of. A folder that holds only strays is no chain, unless it is one of the
 * `known` chains, whose folders are not opened here.
 */
export async function storedChains(
  store: IndexedMirror,
  codec: MirrorCodec,
  signal: AbortSignal,
  known: { has(domainId: string): boolean } = new Set(),
): Promise<Set<string>> {
  const folders = await store.folders(codec.prefix(), signal)
  const stored = new Set<string>()
  for (const domainId of folders.filter(isChainId)) {
    if (known.has(domainId) || (await holdsRow(domainId, store, codec, signal))) stored.add(domainId)
  }
  return stored
}

/** Returns true where the folder cannot be read, so that the verification of this chain fails and no other. */
async function holdsRow(
  domainId: string,
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await holdsChain(store, codec, domainId, signal)
  } catch (error) {
    if (storeFailure(error) === undefined) throw error
    return true
  }
}

/** A Domain as the platform chain records its creation. */
export interface CreatedDomain {
  readonly domainId: string
  /** Its own mirror, if it was created with one. */
  readonly mirrorUrl?: string | undefined
  /** What the row says about the mirror, if the row recomputes. */
  readonly recorded?: RecordedMirror | undefined
}

/** The chains of a mirror, and the Domains that its copy of the platform chain records. */
export interface MirroredChains {
  readonly stored: ReadonlySet<string>
  /** By domain id. The first of several rows about one Domain counts, as in PostgreSQL. */
  readonly created: ReadonlyMap<string, CreatedDomain>
  /** The Domains that the platform chain names, whether or not it records their creation. */
  readonly named: ReadonlySet<string>
  /** recorded_at of the platform chain's first row, and of the last row before a gap: later rows may still be uploaded. */
  readonly platformStart?: bigint | undefined
  readonly platformEnd?: bigint | undefined
  /** The seq of the row of platformEnd. */
  readonly platformLast?: number | undefined
  /** Why these may not be all chains that the mirror must have. */
  readonly doubts: readonly AuditError[]
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
  const created = new Map<string, CreatedDomain>()
  const named = new Set<string>()
  const { broken, ...platform } = await readPlatform({ created, named }, store, codec, signal)
  const stored = await storedChains(store, codec, signal, created)
  if (stored.has(PLATFORM_ANCHOR)) {
    return { stored, created, named, ...platform, doubts: broken === undefined ? [] : [broken] }
  }
  const isNeeded = await hasDefaultDomain(stored, store, codec, signal)
  return { stored, created, named, doubts: isNeeded ? [platformAbsent(store, stored.size)] : [] }
}

/** A mirror that is only the own mirror of its Domains does not have the platform chain. */
function platformAbsent({ url }: MirrorStore, chains: number): AuditError {
  return new AuditError(
    'platform_chain_absent',
    `mirror ${url} has ${chains} chains and no platform chain: whether a Domain is missing cannot be checked`,
    { advice: { code: 'give_whole_mirror' } },
  )
}

/**
 * Returns why a mirror may not show all chains, where chains were found in the mirrors of the map. A default mirror without any
 * chain may be an empty mount point.
 */
export function doubtsBeside(
  { stored, doubts }: MirroredChains,
  inMap: readonly string[],
  store: MirrorStore,
): readonly AuditError[] {
  return stored.size === 0 && inMap.length > 0 ? [...doubts, platformAbsent(store, 0)] : doubts
}

/** What is read of the platform chain: from and up to which time, and the error where the rest could not be read. */
interface PlatformRead {
  readonly platformStart?: bigint | undefined
  readonly platformEnd?: bigint | undefined
  readonly platformLast?: number | undefined
  readonly broken?: AuditError | undefined
}

interface RecordedDomains {
  readonly created: Map<string, CreatedDomain>
  readonly named: Set<string>
}

/** Adds the Domains that the platform chain records. */
async function readPlatform(
  recorded: RecordedDomains,
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<PlatformRead> {
  const range = { domainId: PLATFORM_ANCHOR, fromSeq: 1, toSeq: LIMITS.maxSeq }
  let last = 0
  let platformStart: bigint | undefined
  let platformEnd: bigint | undefined
  try {
    for await (const object of streamObjects(store, codec, range, signal)) {
      if (object.kind !== 'row' || object.row.canonical === undefined) continue
      const entry = decodeCanonical(object.row.canonical)
      record(object.row, entry, recorded)
      if (object.seq !== last + 1) continue
      last = object.seq
      platformEnd = entry.recordedAt
      platformStart ??= platformEnd
    }
    return { platformStart, platformEnd, platformLast: last }
  } catch (error) {
    const broken = storeFailure(error)
    if (broken === undefined) throw error
    const message = `not every Domain that the platform chain records is known: ${broken.message}`
    return {
      platformStart,
      platformEnd,
      platformLast: last,
      broken: new AuditError(broken.code, message, { cause: broken }),
    }
  }
}

/** Adds the Domain that a row of the platform chain creates or names. */
function record(
  row: StoredRow,
  { relation, object, relationPath }: Entry,
  { created, named }: RecordedDomains,
): void {
  const domainId = domainOfObject(object)
  if (domainId === undefined) return
  if (relation === SELF_AUDIT.domainName) named.add(domainId)
  if (relation !== SELF_AUDIT.chainCreate || created.has(domainId)) return
  const recorded = recordedMirror([row], nodeHasher)
  created.set(domainId, { domainId, mirrorUrl: mirrorOfPath(relationPath), recorded })
}

/** Returns whether the mirror stores a Domain whose first row names no mirror of its own, or cannot be read. */
async function hasDefaultDomain(
  stored: ReadonlySet<string>,
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<boolean> {
  for (const domainId of stored) {
    const genesis = await genesisOf(domainId, store, codec, signal)
    if (genesis === undefined || mirrorOfPath(genesis.relationPath) === undefined) return true
  }
  return false
}

/** Returns the first row of a chain; undefined where it is missing or malformed. */
export async function genesisOf(
  domainId: string,
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<ChainedEntry | undefined> {
  try {
    const object = await store.get(codec.key(domainId, 1), MAX_OBJECT_BYTES, signal)
    const genesis = object && (await codec.decode(object.bytes, { domainId, seq: 1 }))
    return genesis !== undefined && 'entry' in genesis ? genesis.entry : undefined
  } catch (error) {
    if (storeFailure(error) === undefined) throw error
    return undefined
  }
}
