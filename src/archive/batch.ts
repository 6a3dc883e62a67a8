import { AuditError } from '../base/errors.js'
import { inParallel } from '../base/parallel/in-parallel.js'
import type { StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import type { ArchiveQueue } from '../ports/archive.js'
import type { MirrorCodec } from '../ports/mirror.js'
import { type SourcedFinding, sourced } from './findings.js'
import { judgeGroup, type ReadyRow } from './judge-group.js'
import type { Mirror } from './mirrors.js'
import type { RunGroup } from './run-judge.js'
import type { Stopping } from './stopping.js'
import { type Uploaded, uploadRow } from './upload.js'

export interface BatchDeps {
  readonly queue: Pick<ArchiveQueue, 'rows' | 'stamp'>
  readonly codec: MirrorCodec
  readonly hasher: Hasher
  readonly mirror: Mirror
  /** Uploads of one batch in flight, at most. */
  readonly concurrency: number
}

/** The results of the upload of some rows of a chain. Rows that were not begun before the end are in no count. */
export interface Batch {
  /** Rows that the mirror has now, by this or by an earlier upload. */
  readonly uploaded: readonly { readonly seq: number; readonly etag: string }[]
  /** The rows of `uploaded` below the first row that failed. Only these may be stamped: stamps are set in order of seq. */
  readonly inOrder: readonly { readonly seq: number; readonly etag: string }[]
  /** Whether no row failed, and each was begun. Otherwise no row beyond this batch may be stamped. */
  readonly isWhole: boolean
  readonly findings: readonly SourcedFinding[]
  /** Rows that must not be uploaded, because the row or the object that the mirror has for it is damaged. */
  readonly held: number
  /** Rows that could not be uploaded; the next pass retries them. */
  readonly failed: number
  readonly error?: AuditError | undefined
  /** Whether so many uploads failed in a row that the others were not begun. */
  readonly gaveUp: boolean
}

/** Failures in a row after which a mirror counts as unreachable: each may have taken a whole timeout. */
const FAILURES = 16

/**
 * Reads the rows of a proven group and uploads those that count, are unchanged since the proof, and are intact. Every row
 * in `uploaded` has a durable object under a durable name.
 */
export async function uploadBatch(
  domainId: string,
  group: RunGroup,
  counts: (seq: number) => boolean,
  deps: BatchDeps,
  stopping: Stopping,
): Promise<Batch> {
  const rows = await deps.queue.rows(domainId, group.from, group.to)
  const { ready, held, findings, unchecked } = judgeGroup(group, rows, counts, deps.hasher)
  const breaker = new Breaker(FAILURES)
  const outcomes = await withDurableNames(
    domainId,
    await uploadAll(ready, deps, breaker, stopping),
    deps,
    stopping,
  )
  const failures = [
    ...outcomes.filter((one) => one instanceof AuditError),
    ...unchecked.map(generationUnknown),
  ]
  const uploaded = outcomes.flatMap((one) => ('etag' in one ? [{ seq: one.seq, etag: one.etag }] : []))
  const failedSeq = firstFailed(ready, outcomes, unchecked)
  const differing = outcomes.flatMap((one) => ('finding' in one ? [one.finding] : []))
  return {
    uploaded,
    inOrder: uploaded.filter(({ seq }) => seq < failedSeq),
    isWhole: failedSeq === Number.POSITIVE_INFINITY && outcomes.length === ready.length,
    findings: [...sourced('postgres', findings), ...sourced('mirror', differing)],
    held: held + differing.length,
    failed: failures.length,
    error: failures[0],
    gaveUp: breaker.isOpen,
  }
}

/** Outcomes are in the order of the rows; rows at the end may have none. */
function firstFailed(
  rows: readonly ReadyRow[],
  outcomes: readonly (Uploaded | AuditError)[],
  unchecked: readonly StoredRow[],
): number {
  const failed = rows.find((_row, i) => outcomes[i] instanceof AuditError)
  return Math.min(failed?.entry.seq ?? Number.POSITIVE_INFINITY, ...unchecked.map(({ seq }) => seq))
}

/** Makes the names of the objects durable, by one sync for the whole batch. Where that fails, every upload has failed. */
async function withDurableNames(
  domainId: string,
  outcomes: readonly (Uploaded | AuditError)[],
  { mirror, codec }: BatchDeps,
  { giveUp }: Stopping,
): Promise<readonly (Uploaded | AuditError)[]> {
  const first = outcomes.find((one) => 'etag' in one)
  if (first === undefined) return outcomes
  const synced = await attempted(first, giveUp, () => mirror.store.syncNames(codec.prefix(domainId), giveUp))
  return synced === undefined ? outcomes : outcomes.map((one) => ('etag' in one ? synced : one))
}

/** Returns the outcome of each row, in order, without the rows that were not begun when the signal came. */
async function uploadAll(
  rows: readonly ReadyRow[],
  { mirror, codec, concurrency }: BatchDeps,
  breaker: Breaker,
  { stop, giveUp }: Stopping,
): Promise<(Uploaded | AuditError)[]> {
  // Encode all rows ahead at once: one by one, between the uploads, costs half as much again.
  const objects = await Promise.all(
    rows.map(async ({ entry, canonical }) => ({
      entry,
      bytes: await attempted(entry, giveUp, () => codec.encode(entry, canonical)),
    })),
  )
  const isOver = () => stop.aborted || breaker.isOpen
  return inParallel(objects, concurrency, isOver, async ({ entry, bytes }) => {
    if (bytes instanceof AuditError) return bytes
    const outcome = await mirror.uploads.run(() =>
      attempted(entry, giveUp, () => uploadRow(entry, bytes, mirror.store, codec, giveUp)),
    )
    breaker.count(outcome instanceof AuditError)
    return outcome
  })
}

/** Returns a failure of the store, and an abort by `giveUp`, as an AuditError. Rethrows any other error: it is a bug. */
async function attempted<T>(
  { seq }: { readonly seq: number },
  giveUp: AbortSignal,
  call: () => Promise<T>,
): Promise<T | AuditError> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof AuditError) return error
    if (!giveUp.aborted) throw error
    return new AuditError(
      'mirror_unavailable',
      `row ${seq}: the archiver stopped before the row was uploaded`,
      {
        cause: error,
      },
    )
  }
}

function generationUnknown({ seq, unknownGeneration }: StoredRow): AuditError {
  const message = `row ${seq} is of generation ${unknownGeneration}, which this program does not know`
  return new AuditError('generation_unknown', message, { advice: { code: 'upgrade' } })
}

class Breaker {
  readonly #limit: number
  #failures = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get isOpen(): boolean {
    return this.#failures >= this.#limit
  }

  count(isFailure: boolean): void {
    this.#failures = isFailure ? this.#failures + 1 : 0
  }
}
