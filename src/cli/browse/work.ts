import { setImmediate as pause } from 'node:timers/promises'
import { AuditError } from '../../base/errors.js'
import { nodeHasher } from '../../base/node-hasher.js'
import { shownEntry } from '../../query/claimed-entry.js'
import { proofOf } from '../../query/get.js'
import { assertKnown } from '../../query/list.js'
import { hintOf } from '../shell/hints.js'
import type { BrowseData, ReadableCopy } from './data.js'
import type { Answer } from './model/event.js'
import type { Job, JobOf, Problem, RowCopy } from './model/state.js'
import { readPlace } from './read-place.js'
import { readTimeline } from './read-timeline.js'

/** Does one job, and passes each answer on. Resolves after the last one. Rejects with the error of what could not be read. */
export async function work(
  data: BrowseData,
  job: Job,
  emit: (answer: Answer) => void,
  signal: AbortSignal,
): Promise<void> {
  switch (job.kind) {
    case 'chains':
      return emit({ kind: 'chains', ...(await data.chains(signal)) })
    case 'ends':
      return readEnds(data, job, emit, signal)
    case 'rows':
      return readRows(data, job, emit, signal)
    case 'timeline':
      return readTimeline(data, job, (answer) => emitWithLeftOut(data, job, answer, emit), signal)
    case 'row':
      return emit({ kind: 'row', copies: await Promise.all(data.copies.map((copy) => readCopy(copy, job))) })
    case 'verify':
      return emit({ kind: 'checked', checked: await verified(data, job, emit, signal) })
  }
}

/** Returns an error for the screen, with the words of the command line for what to do next. */
export function problemOf(error: AuditError): Problem {
  return { message: error.message, hint: hintOf(error) }
}

async function readEnds(
  { copies: [first] }: BrowseData,
  { domainIds }: JobOf<'ends'>,
  emit: (answer: Answer) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const [index, domainId] of domainIds.entries()) {
    signal.throwIfAborted()
    const reader = await first.reader(domainId)
    const [last] = await reader.page(domainId, {}, { after: 0, limit: 1, order: 'descending' })
    const end = { lastSeq: last?.seq ?? 0, lastRecorded: last?.recordedAt }
    emit({ kind: 'end', domainId, end, isLast: index === domainIds.length - 1 })
    await pause()
  }
}

async function readRows(
  data: BrowseData,
  job: JobOf<'rows'>,
  emit: (answer: Answer) => void,
  signal: AbortSignal,
): Promise<void> {
  const read = await readPlace(data, job, signal)
  if (read.rows.length === 0) await assertKnown(await data.copies[0].reader(job.domainId), job.domainId)
  emitWithLeftOut(data, job, { kind: 'rows', read }, emit)
}

/** Passes on what the filter left out, and then the answer: after its last answer a job is over. */
function emitWithLeftOut(
  data: BrowseData,
  { filter, domainId }: JobOf<'rows' | 'timeline'>,
  answer: Answer,
  emit: (answer: Answer) => void,
): void {
  const leftOut = data.leftOut.under(filter, domainId)
  if (leftOut !== undefined) emit({ kind: 'left-out', leftOut })
  emit(answer)
}

async function readCopy(
  { copy, reader: open }: ReadableCopy,
  { domainId, seq }: JobOf<'row'>,
): Promise<RowCopy> {
  try {
    const reader = await open(domainId)
    const rows = await reader.rowsAt(domainId, seq)
    const { canonicalBytes, problem } = proofOf(rows, nodeHasher) ?? {}
    return { copy, rows: rows.map(shownEntry), canonicalBytes, problem }
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    return { copy, rows: [], unread: problemOf(error) }
  }
}

/** Milliseconds between two reports of progress: each one draws the screen. */
const REPORT_EVERY = 100

async function verified(
  data: BrowseData,
  { domainId }: JobOf<'verify'>,
  emit: (answer: Answer) => void,
  signal: AbortSignal,
) {
  let reported = 0
  const progress = ({ rows, total }: { rows: number; total?: number | undefined }) => {
    const now = performance.now()
    if (now - reported < REPORT_EVERY) return
    reported = now
    emit({ kind: 'progress', rows, total })
  }
  try {
    return await data.verify(domainId, progress, signal)
  } catch (error) {
    if (!(error instanceof AuditError) || signal.aborted) throw error
    return { kind: 'unproven' as const, problem: problemOf(error) }
  }
}
