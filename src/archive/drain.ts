import type { AuditError } from '../base/errors.js'
import { inParallel } from '../base/parallel/in-parallel.js'
import type { ArchiveQueue } from '../ports/archive.js'
import { type Batch, type BatchDeps, uploadBatch } from './batch.js'
import type { SourcedFinding } from './findings.js'
import { BATCH, type ProvenRun, proveRun } from './prove-run.js'
import type { RunGroup } from './run-judge.js'
import { type Stamping, stampUploaded } from './stamps/stamp-batch.js'
import { isStillOurs } from './still-ours.js'
import type { Stopping } from './stopping.js'

/** Batches of one chain in progress at once: while some are read or stamped, the uploads of others keep the mirror busy. */
const BATCHES_AT_ONCE = 4

export interface DrainDeps extends BatchDeps {
  readonly queue: ArchiveQueue
  /** Records findings before the pass continues. */
  readonly onFindings: (domainId: string, findings: readonly SourcedFinding[]) => Promise<void>
  readonly onStamped: (rows: number) => void
  /** Rejects where the mirror is not, or is no longer, the mirror of this database. */
  readonly assertOurs: () => Promise<void>
}

export interface DrainRange {
  /** Rows up to this seq are skipped. */
  readonly after: number
  /** Rows beyond this seq are left for another pass, because a pass of a busy chain must end. Default: no limit. */
  readonly toSeq?: number | undefined
  /** Rows after which the pass ends, so that a chain with a long backlog does not delay other chains. */
  readonly maxRows: number
  /** The part of a proven run that the last pass did not reach. */
  readonly rest?: ProvenRun | undefined
}

/** The result of one pass. */
export interface Drained {
  readonly stamped: number
  readonly held: number
  readonly failed: number
  /** Findings in the rows of this pass, or right beside them. */
  readonly findings: number
  readonly error?: AuditError | undefined
  /** The last seq that was read; where the pass began, if no row was read. */
  readonly reached: number
  /**
   * `all`: every row without a stamp was read. `some`: maxRows or the signal ended the pass. `gave up`: a row could not be
   * uploaded, so that no row after it may be stamped.
   */
  readonly ended: 'all' | 'some' | 'gave up'
  /** The part of a proven run that was not reached. The next pass need not prove it again. */
  readonly rest?: ProvenRun | undefined
}

export function nothingDrained(after: number): Drained {
  return { stamped: 0, held: 0, failed: 0, findings: 0, reached: after, ended: 'some' }
}

/**
 * Archives the rows of a chain that have no stamp, in order of seq, run by run. Each run is proven as a whole before any
 * row of it is uploaded. A row that is damaged is skipped and does not stop the others. A row that cannot be uploaded ends
 * the pass: stamps are set in order of seq, so that a row without a stamp below a stamped row was never archived, or has lost
 * its stamp. At the signal the pass ends, with the uploaded rows stamped as far as they follow each other. Rejects where
 * PostgreSQL fails or the mirror is not ours; the next pass then finds and stamps the rows that were uploaded.
 */
export async function drainChain(
  domainId: string,
  range: DrainRange,
  deps: DrainDeps,
  stopping: Stopping,
): Promise<Drained> {
  let drained: Drained = { ...nothingDrained(range.after), rest: range.rest }
  let groups = 0
  while (!stopping.stop.aborted && groups * BATCH < range.maxRows) {
    const next = await deps.queue.nextUnstamped(domainId, drained.reached)
    if (next === undefined || next > (range.toSeq ?? next))
      return { ...drained, rest: undefined, ended: 'all' }
    if (!isIn(drained.rest, next)) drained = await prove(domainId, next, drained, deps, stopping)
    if (drained.failed > 0) return { ...drained, rest: undefined, ended: 'gave up' }
    const batches = groupsOf(drained.rest, next, range, Math.ceil(range.maxRows / BATCH) - groups)
    groups += batches.length
    drained = await drainGroups(domainId, batches, drained, range, deps, stopping)
    if (drained.ended === 'gave up') break
  }
  return drained
}

/** A row before the rest was read already, or was committed late: then the run is proven again. */
function isIn(rest: ProvenRun | undefined, seq: number): rest is ProvenRun {
  const [first, last] = [rest?.groups[0], rest?.groups.at(-1)]
  return first !== undefined && last !== undefined && seq >= first.from && seq <= last.to
}

async function prove(
  domainId: string,
  fromSeq: number,
  before: Drained,
  deps: DrainDeps,
  { stop }: Stopping,
): Promise<Drained> {
  const rest = await proveRun({ domainId, fromSeq, pastSeq: fromSeq, counts: () => true }, deps, stop)
  if (rest === undefined) return before
  // Dying before this line loses no finding: a row that is held back has no stamp, and the next pass finds it again.
  if (rest.findings.length > 0) await deps.onFindings(domainId, rest.findings)
  return {
    ...before,
    held: before.held + rest.held,
    failed: before.failed + rest.failed,
    findings: before.findings + rest.findings.length,
    error: before.error ?? rest.error,
    reached: rest.groups[0] === undefined ? rest.end : rest.groups[0].from - 1,
    rest,
  }
}

function groupsOf(
  rest: ProvenRun | undefined,
  next: number,
  { toSeq = Number.MAX_SAFE_INTEGER }: DrainRange,
  most: number,
): RunGroup[] {
  return (rest?.groups ?? []).filter(({ from, to }) => to >= next && from <= toSeq).slice(0, most)
}

async function drainGroups(
  domainId: string,
  groups: readonly RunGroup[],
  before: Drained,
  { toSeq = Number.MAX_SAFE_INTEGER }: DrainRange,
  deps: DrainDeps,
  stopping: Stopping,
): Promise<Drained> {
  let gaveUp = false
  let previous = Promise.resolve(true)
  const isOver = () => stopping.stop.aborted || gaveUp
  const batches = await inParallel(groups, BATCHES_AT_ONCE, isOver, (group) => {
    const batch = drainBatch(domainId, group, (seq) => seq <= toSeq, deps, stopping, previous)
    previous = batch.then(
      ({ isInOrder }) => isInOrder,
      () => false,
    )
    return batch.then((done) => {
      gaveUp ||= done.gaveUp || done.failed > 0
      return done
    })
  })
  const last = groups[batches.length - 1]
  const drained = batches.reduce(add, before)
  return last === undefined ? drained : { ...drained, ...leftOf(drained.rest, last.to) }
}

function leftOf(run: ProvenRun | undefined, done: number): Pick<Drained, 'reached' | 'rest'> {
  if (run === undefined) return { reached: done, rest: undefined }
  const groups = run.groups.filter(({ from }) => from > done)
  return { reached: groups.length === 0 ? Math.max(run.end, done) : done, rest: { ...run, groups } }
}

async function drainBatch(
  domainId: string,
  group: RunGroup,
  counts: (seq: number) => boolean,
  deps: DrainDeps,
  stopping: Stopping,
  previous: Promise<boolean>,
): Promise<DrainedBatch> {
  const batch = await uploadBatch(domainId, group, counts, deps, stopping)
  const isReady = (await previous) && batch.inOrder.length > 0
  const mayStamp = isReady ? await isStillOurs(deps.assertOurs, stopping.giveUp) : await previous
  // Dying before this line makes the next pass upload the same objects again and stamp them with the same etags.
  const stamping = await stampUploaded(domainId, isReady && mayStamp ? batch.inOrder : [], deps.queue)
  // Dying before this line loses no finding: a row that is held back has no stamp, and the next pass finds it again.
  if (batch.findings.length > 0) await deps.onFindings(domainId, batch.findings)
  deps.onStamped(stamping.stamped)
  return { ...withStamping(batch, stamping), isInOrder: mayStamp && batch.isWhole }
}

/** A row whose stamp does not count is held back: it is uploaded, and never counts as archived. */
function withStamping(batch: Batch, { stamped, refused, error }: Stamping): Omit<DrainedBatch, 'isInOrder'> {
  return { ...batch, stamped, held: batch.held + refused, error: batch.error ?? error }
}

/** `isInOrder`: every row of the batch and of those before it is stamped or held back. */
type DrainedBatch = Batch & { readonly stamped: number; readonly isInOrder: boolean }

function add(before: Drained, batch: DrainedBatch): Drained {
  return {
    ...before,
    stamped: before.stamped + batch.stamped,
    held: before.held + batch.held,
    failed: before.failed + batch.failed,
    findings: before.findings + batch.findings.length,
    error: before.error ?? batch.error,
    ended: batch.gaveUp || batch.failed > 0 ? 'gave up' : before.ended,
  }
}
