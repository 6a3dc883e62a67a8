import { AuditError } from '../base/errors.js'
import { decodeCanonical } from '../chain/canonical.js'
import type { ChainedEntry, ChainHead } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import { ChainFold, type StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import { mirrorOfPath } from '../chain/self-audit.js'
import type { RestoredRow, RestoreTarget } from '../ports/restore.js'
import type { ScanProgress } from '../ports/verify.js'

/** Rows a transaction. */
const BATCH = 1000

/** One object that the mirror holds at a seq, as the restore reads it. */
export interface MirrorRow {
  readonly row: StoredRow
  readonly etag: string
}

export interface RestoreDeps {
  readonly target: RestoreTarget
  /** The objects of the chain up to a seq, ascending. */
  readonly rows: (toSeq: number) => AsyncIterable<MirrorRow>
  readonly hasher: Hasher
  /** Where the rows come from, as it is written down while it lasts. */
  readonly mirrorUrl: string
}

export interface RestoreRequest {
  readonly domainId: string
  /** The last row to restore. */
  readonly toSeq: number
  /** Heads that the rows must have: those that the verify saw. */
  readonly pins: readonly ChainHead[]
  /** The pseudonym that the genesis row must carry: the pepper must be the one that the chain was begun with. */
  readonly genesisPseudonym: string
}

export interface Restored {
  readonly head: ChainHead
  readonly rows: number
  /** recorded_at of the last row: what was acknowledged after it and not archived is lost. */
  readonly lastRecordedAt: bigint
}

/**
 * Where the intact beginning of a chain of `last` rows ends, by what a verifier found in it: 0 where there is none.
 * Intact means that it hashes and links. Rows that somebody rewrote together, up to a link that breaks, do that too:
 * only a pin in the beginning proves it.
 */
export function intactEnd(findings: readonly Finding[], last: number): number {
  return Math.max(0, Math.min(last, ...findings.map(endBefore)))
}

function endBefore({ code, seqFrom, observed }: Finding): number {
  // It is no row, so it damages none.
  if (code === 'orphan_object') return Number.POSITIVE_INFINITY
  // The row before it is not the one that it was linked to.
  if (code === 'broken_link') return seqFrom - 2
  // Another row has the place of the pinned one: from where on the chain was rewritten, nothing here can tell.
  if (code === 'unexpected_head' && observed !== undefined) return 0
  return seqFrom - 1
}

/**
 * Rebuilds a chain from rows that a verify has just found intact, and judges them again as it writes: what changed
 * meanwhile is refused before the chain gets its head. Dying anywhere leaves rows without a head, which no append can
 * extend, which a verify knows for what they are, and which the next restore keeps. To be called as the only restore of
 * the chain (RestoreTarget.restoring).
 */
export async function restoreChain(
  request: RestoreRequest,
  { target, rows, hasher, mirrorUrl }: RestoreDeps,
  progress: (p: ScanProgress) => void,
  signal: AbortSignal,
): Promise<Restored> {
  const check = new RestoreCheck(request, hasher)
  for await (const batch of inBatches(rows(request.toSeq))) {
    signal.throwIfAborted()
    const restored = check.take(batch)
    // Not before something is known to be worth restoring; dying after it and before the first rows is a begin too.
    if (restored[0]?.entry.seq === 1) await target.begin(request.domainId, mirrorUrl)
    await target.insert(restored)
    progress({ rows: restored.at(-1)?.entry.seq ?? 0, total: request.toSeq })
  }
  const { genesis, last } = check.finish()
  const head = { seq: last.seq, hash: last.entryHash }
  const domain = { mirrorUrl: mirrorOfPath(genesis.relationPath), createdAt: genesis.recordedAt }
  await target.finish(request.domainId, head, domain)
  return { head, rows: last.seq, lastRecordedAt: last.recordedAt }
}

/** Nothing passes that the verifier's fold would not. */
class RestoreCheck {
  readonly #request: RestoreRequest
  readonly #fold: ChainFold
  #genesis: ChainedEntry | undefined
  #last: ChainedEntry | undefined

  constructor(request: RestoreRequest, hasher: Hasher) {
    this.#request = request
    const { domainId, toSeq, pins } = request
    this.#fold = new ChainFold({ fromSeq: 1, toSeq, domainId, pins, hasher })
  }

  take(batch: readonly MirrorRow[]): RestoredRow[] {
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

function changed({ domainId }: RestoreRequest): AuditError {
  return new AuditError('mirror_broken', `the mirror changed while ${domainId} was restored from it`, {
    hint: `run: audit verify --domain ${domainId} --source mirror`,
  })
}

function toRestored({ row, etag }: MirrorRow): RestoredRow {
  const { canonical, prevHash, entryHash } = row
  if (canonical === undefined || prevHash === undefined || entryHash === undefined) {
    throw new AuditError('mirror_broken', `object ${row.seq} is malformed: ${row.problem}`)
  }
  return { entry: { ...decodeCanonical(canonical), prevHash, entryHash }, etag }
}

/** The genesis row, if the pepper reproduces it. */
function withPepper(
  genesis: ChainedEntry | undefined,
  { domainId, genesisPseudonym }: RestoreRequest,
): ChainedEntry {
  if (genesis?.seq === 1 && genesis.subjectPseudonym === genesisPseudonym) return genesis
  throw new AuditError(
    'pepper_mismatch',
    `the pepper does not reproduce the genesis row of chain ${domainId}`,
    {
      hint: 'give the key file that the chain was begun with (--pepper); nothing was restored',
    },
  )
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
