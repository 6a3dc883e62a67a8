import type { AuditError } from '../errors.js'
import type { ArchiveQueue } from '../ports.js'
import { type Batch, type BatchParts, type SourcedFinding, uploadBatch } from './batch.js'
import { inParallel } from './in-parallel.js'
import { seqGroups } from './seq-groups.js'
import type { Stopping } from './stopping.js'

/** Rows that are read, judged, uploaded and stamped together; bounds memory, and what a crash makes us do again. */
export const BATCH = 250

/** Batches of one chain at once: while one is read or stamped, the uploads of another keep the mirror busy. */
const BATCHES_AT_ONCE = 2

/** Seqs a query. */
const SEQS = 5_000

export interface DrainParts extends BatchParts {
  readonly queue: ArchiveQueue
  /** Writes findings down before the pass goes on. */
  readonly onFindings: (domainId: string, findings: readonly SourcedFinding[]) => Promise<void>
  readonly onStamped: (rows: number) => void
}

export interface DrainRange {
  /** Rows up to this seq are passed over. */
  readonly after: number
  /** Rows beyond this seq are left for another pass: a pass of a busy chain must end. Default: none. */
  readonly toSeq?: number | undefined
  /** Rows after which the pass ends, so that a chain with a long backlog gives way to others. */
  readonly maxRows: number
}

/** What a pass did. */
export interface Drained {
  readonly stamped: number
  readonly held: number
  readonly failed: number
  /** Some damage was found, in the rows of this pass or right beside them. */
  readonly findings: number
  readonly error?: AuditError | undefined
  /** The last row that was looked at; where the pass began, if there was none. */
  readonly reached: number
  /** `all`: no row without a stamp was left to look at. `some`: maxRows or the signal ended it. `gave up`: the mirror is gone. */
  readonly ended: 'all' | 'some' | 'gave up'
}

export function nothingDrained(after: number): Drained {
  return { stamped: 0, held: 0, failed: 0, findings: 0, reached: after, ended: 'some' }
}

/**
 * One pass over the rows of a chain that have no stamp, in order of seq. A row that is bad or cannot be uploaded is
 * passed over and does not stop the others. At the signal it ends, with what was uploaded stamped. Rejects where
 * Postgres fails; what was uploaded by then is found and stamped by the next pass.
 */
export async function drainChain(
  domainId: string,
  range: DrainRange,
  parts: DrainParts,
  stopping: Stopping,
): Promise<Drained> {
  let drained = nothingDrained(range.after)
  let rows = 0
  while (!stopping.stop.aborted && rows < range.maxRows) {
    const seqs = await nextSeqs(domainId, drained.reached, range, parts)
    rows += seqs.length
    drained = await drainGroups(domainId, seqGroups(seqs, BATCH), drained, parts, stopping)
    if (drained.ended === 'gave up' || stopping.stop.aborted) return drained
    if (seqs.length < SEQS) return { ...drained, ended: 'all' }
  }
  return drained
}

async function drainGroups(
  domainId: string,
  groups: readonly (readonly number[])[],
  before: Drained,
  parts: DrainParts,
  stopping: Stopping,
): Promise<Drained> {
  let gaveUp = false
  const isOver = () => stopping.stop.aborted || gaveUp
  const batches = await inParallel(groups, BATCHES_AT_ONCE, isOver, async (group) => {
    const batch = await drainBatch(domainId, group, parts, stopping)
    gaveUp ||= batch.gaveUp
    return batch
  })
  const reached = groups[batches.length - 1]?.at(-1) ?? before.reached
  return { ...batches.reduce(add, before), reached }
}

/** Asked anew each time: a row that commits late is found by this pass or by the next. */
async function nextSeqs(
  domainId: string,
  after: number,
  { toSeq = Number.MAX_SAFE_INTEGER }: DrainRange,
  { queue }: DrainParts,
): Promise<number[]> {
  return (await queue.unstamped(domainId, after, SEQS)).filter((seq) => seq <= toSeq)
}

async function drainBatch(
  domainId: string,
  seqs: readonly number[],
  parts: DrainParts,
  stopping: Stopping,
): Promise<Batch & { stamped: number }> {
  const batch = await uploadBatch(domainId, seqs, parts, stopping)
  // Dying before this line uploads again what is there already, and then stamps it: same object, same etag.
  const stamped = batch.uploaded.length === 0 ? 0 : await parts.queue.stamp(domainId, batch.uploaded)
  // Dying before this line finds again what was found: a row that was held back has no stamp.
  if (batch.findings.length > 0) await parts.onFindings(domainId, batch.findings)
  parts.onStamped(stamped)
  return { ...batch, stamped }
}

function add(before: Drained, batch: Batch & { stamped: number }): Drained {
  return {
    stamped: before.stamped + batch.stamped,
    held: before.held + batch.held,
    failed: before.failed + batch.failed,
    findings: before.findings + batch.findings.length,
    error: before.error ?? batch.error,
    reached: before.reached,
    ended: batch.gaveUp ? 'gave up' : before.ended,
  }
}
