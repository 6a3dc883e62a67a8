import { AuditError } from '../base/errors.js'
import type { ChainedEntry } from '../chain/entry.js'
import type { StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import type { ArchiveQueue } from '../ports/archive.js'
import type { MirrorCodec } from '../ports/mirror.js'
import { type SourcedFinding, sourced } from './findings.js'
import { inParallel } from './in-parallel.js'
import { judgeGroup } from './judge-group.js'
import type { Mirror } from './mirrors.js'
import type { RunGroup } from './run-judge.js'
import type { Stopping } from './stopping.js'
import { type Uploaded, uploadRow } from './upload.js'

export interface BatchDeps {
  readonly queue: Pick<ArchiveQueue, 'rows' | 'stamp'>
  readonly codec: MirrorCodec
  readonly hasher: Hasher
  readonly mirror: Mirror
  /** Uploads of one batch under way at once. */
  readonly concurrency: number
}

/** What became of some rows of a chain. Those that were not begun before the end are in none of the counts. */
export interface Batch {
  /** In the mirror now, by this or by an earlier upload. */
  readonly uploaded: readonly { readonly seq: number; readonly etag: string }[]
  readonly findings: readonly SourcedFinding[]
  /** Rows that are not to be uploaded because they, or what the mirror has in their place, are not as they should be. */
  readonly held: number
  /** Rows that could not be uploaded; the next pass tries them again. */
  readonly failed: number
  readonly error?: AuditError | undefined
  /** So many failed in a row that the others were not even begun. */
  readonly gaveUp: boolean
}

/** Failures in a row after which a mirror counts as gone: each may have taken all of a timeout. */
const FAILURES = 16

/** Reads the rows of a proven group, those that count, and uploads what is still as it was and good. */
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
  const outcomes = await uploadAll(ready, deps, breaker, stopping)
  const failures = [...outcomes.filter((one) => one instanceof AuditError), ...unchecked.map(unknown)]
  const differing = outcomes.flatMap((one) => ('finding' in one ? [one.finding] : []))
  return {
    uploaded: outcomes.flatMap((one) => ('etag' in one ? [{ seq: one.seq, etag: one.etag }] : [])),
    findings: [...sourced('postgres', findings), ...sourced('mirror', differing)],
    held: held + differing.length,
    failed: failures.length,
    error: failures[0],
    gaveUp: breaker.isOpen,
  }
}

/** Each row's outcome in order; what was not begun when the signal came is left out. */
async function uploadAll(
  rows: readonly ChainedEntry[],
  { mirror, codec, concurrency }: BatchDeps,
  breaker: Breaker,
  { stop, giveUp }: Stopping,
): Promise<(Uploaded | AuditError)[]> {
  // Ahead and all at once: one by one between the uploads they cost half as much again.
  const objects = await Promise.all(
    rows.map(async (row) => ({ row, bytes: await attempt(row, giveUp, () => codec.encode(row)) })),
  )
  const isOver = () => stop.aborted || breaker.isOpen
  return inParallel(objects, concurrency, isOver, async ({ row, bytes }) => {
    if (bytes instanceof AuditError) return bytes
    const outcome = await mirror.uploads.run(() =>
      attempt(row, giveUp, () => uploadRow(row, bytes, mirror.store, codec, giveUp)),
    )
    breaker.count(outcome instanceof AuditError)
    return outcome
  })
}

/** What is neither a failure of the store nor our giving up is a bug, and is thrown. */
async function attempt<T>(
  { seq }: ChainedEntry,
  giveUp: AbortSignal,
  call: () => Promise<T>,
): Promise<T | AuditError> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof AuditError) return error
    if (!giveUp.aborted) throw error
    return new AuditError('mirror_unavailable', `row ${seq}: stopped before it was uploaded`, {
      cause: error,
    })
  }
}

function unknown({ seq, unknownGeneration }: StoredRow): AuditError {
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
