import { type SelfAuditActor, selfAuditItem } from '../append/self-audit-item.js'
import { AuditError } from '../base/errors.js'
import { assertFirstPepper } from '../base/genesis-pepper.js'
import { decodeCanonical } from '../chain/canonical.js'
import type { ChainedEntry, ChainHead } from '../chain/entry.js'
import { ChainFold, type StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import { chainObject, mirrorOfPath, nameOfPath, RESTORED_PREFIX, SELF_AUDIT } from '../chain/self-audit.js'
import type { AppendItem } from '../ports/append.js'
import type { RestoredRow, RestoreTarget } from '../ports/restore.js'
import type { ScanProgress } from '../ports/verify.js'

/** Rows inserted in one transaction. */
const BATCH = 1000

/** One object that the mirror holds at a seq. */
export interface MirrorRow {
  readonly row: StoredRow
  readonly etag: string
}

export interface RebuildDeps {
  readonly target: RestoreTarget
  /** Reads the objects of the chain up to a seq, ascending. */
  readonly rows: (toSeq: number) => AsyncIterable<MirrorRow>
  readonly hasher: Hasher
  /** The mirror that the rows come from; recorded in the database while the restore lasts. */
  readonly mirrorUrl: string
  /** Whether the archiver will refuse this mirror. The rows then get no stamps, so that it copies them to its own. */
  readonly isForeign: boolean
  /** Returns who records a Domain on the platform chain, with that chain's pepper. */
  readonly platformActor: () => Promise<SelfAuditActor>
}

export interface RebuildRequest {
  readonly domainId: string
  /** The last row to restore. */
  readonly toSeq: number
  /** Heads that the verify of the mirror saw, which the rows must have too. */
  readonly pins: readonly ChainHead[]
  /** The pseudonym that the genesis row must carry: it proves that the pepper is the one that the chain began with. */
  readonly genesisPseudonym: string
}

export interface Rebuilt {
  readonly head: ChainHead
  readonly rows: number
  /** recorded_at of the last row. Rows acknowledged after this time and not archived are lost. */
  readonly lastRecordedAt: bigint
  /** Whether the platform chain lacked the creation of the Domain, and records it since. */
  readonly isRecordedAnew: boolean
}

/**
 * Rebuilds a chain from rows that a verify has just found intact, and judges them again while it writes. Rejects with
 * `mirror_broken`, before the chain gets its head, where the rows changed after the verify. A process that dies anywhere
 * in here leaves rows without a head: no append can extend them, a verify reports them as an unfinished restore, and the
 * next restore keeps them. Call this within RestoreTarget.restoring, as the only restore of the chain.
 */
export async function rebuildChain(
  request: RebuildRequest,
  deps: RebuildDeps,
  progress: (p: ScanProgress) => void,
  signal: AbortSignal,
): Promise<Rebuilt> {
  const { target, rows, hasher, mirrorUrl } = deps
  const check = new RebuildCheck(request, hasher)
  for await (const batch of inBatches(rows(request.toSeq))) {
    signal.throwIfAborted()
    const restored = check.accept(batch)
    // Record the restore only once a row is worth restoring. Dying between this line and the first insert leaves a mark
    // without rows: that is an unfinished restore too.
    if (restored[0]?.entry.seq === 1) await target.begin(request.domainId, mirrorUrl)
    await target.insert(deps.isForeign ? restored.map(({ entry }) => ({ entry })) : restored)
    progress({ rows: restored.at(-1)?.entry.seq ?? 0, total: request.toSeq })
  }
  const { genesis, last } = check.finish()
  const head = { seq: last.seq, hash: last.entryHash }
  const { relationPath, recordedAt: createdAt } = genesis
  const domain = { mirrorUrl: mirrorOfPath(relationPath), name: nameOfPath(relationPath), createdAt }
  const creation = await lackingCreation(genesis, last.seq, deps)
  await target.finish(request.domainId, head, domain, creation)
  const isRecordedAnew = creation !== undefined
  return { head, rows: last.seq, lastRecordedAt: last.recordedAt, isRecordedAnew }
}

/**
 * Returns the row that records a Domain on a platform chain that lacks its creation: the mirror lagged, or the Domain comes
 * from another log. Without it, every later row of the platform chain would make the Domain look planted.
 */
async function lackingCreation(
  { domainId, relationPath }: ChainedEntry,
  rows: number,
  { target, platformActor }: RebuildDeps,
): Promise<AppendItem | undefined> {
  if (!(await target.lacksCreation(domainId))) return undefined
  const path = [...relationPath, `${RESTORED_PREFIX}${rows}`]
  const action = { relation: SELF_AUDIT.chainCreate, object: chainObject(domainId), relationPath: path }
  return selfAuditItem(await platformActor(), [action])
}

/** Accepts only rows that the verifier's fold accepts. */
class RebuildCheck {
  readonly #request: RebuildRequest
  readonly #fold: ChainFold
  #genesis: ChainedEntry | undefined
  #last: ChainedEntry | undefined

  constructor(request: RebuildRequest, hasher: Hasher) {
    this.#request = request
    const { domainId, toSeq, pins } = request
    this.#fold = new ChainFold({ fromSeq: 1, toSeq, domainId, pins, hasher })
  }

  accept(batch: readonly MirrorRow[]): RestoredRow[] {
    for (const { row } of batch) this.#fold.add(row)
    if (!this.#fold.isIntact) throw changed(this.#request)
    const restored = batch.map(toRestored)
    this.#genesis ??= withPepper(restored[0]?.entry, this.#request)
    this.#last = restored.at(-1)?.entry
    return restored
  }

  finish(): { genesis: ChainedEntry; last: ChainedEntry } {
    const [genesis, last] = [this.#genesis, this.#last]
    const isIntact = this.#fold.finish().findings.length === 0
    if (genesis === undefined || last === undefined || !isIntact) throw changed(this.#request)
    return { genesis, last }
  }
}

function changed({ domainId }: RebuildRequest): AuditError {
  return new AuditError('mirror_broken', `the mirror changed while ${domainId} was restored from it`, {
    advice: { code: 'verify_mirror', domainId },
  })
}

function toRestored({ row, etag }: MirrorRow): RestoredRow {
  const { canonical, prevHash, entryHash } = row
  if (canonical === undefined || prevHash === undefined || entryHash === undefined) {
    throw new AuditError('mirror_broken', `object ${row.seq} is malformed: ${row.problem}`)
  }
  return { entry: { ...decodeCanonical(canonical), prevHash, entryHash }, etag }
}

/** Returns the genesis row. Throws `pepper_mismatch` where the pepper does not reproduce its pseudonym. */
function withPepper(
  row: ChainedEntry | undefined,
  { domainId, genesisPseudonym }: RebuildRequest,
): ChainedEntry | undefined {
  const genesis = row?.seq === 1 ? row : undefined
  assertFirstPepper(domainId, genesis?.subjectPseudonym, genesisPseudonym, 'give_first_pepper_to_restore')
  return genesis
}

async function* inBatches<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
