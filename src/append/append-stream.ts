import { AuditError } from '../base/errors.js'
import type { AtRefusal, Placed } from '../ports/append.js'
import { batches } from './batches.js'
import type { Candidate, Candidates } from './input/candidates.js'
import type { InputEntry } from './input/input-line.js'
import { MAX_GROUP, type PreparedGroup, type Sink } from './sink.js'

/** The outcome of one candidate: its rows are durable, or it was refused. */
export type StreamOutcome =
  | { readonly candidate: Candidate; readonly placed: readonly Placed[] }
  | { readonly candidate: Candidate; readonly refused: AuditError }

/**
 * Appends a stream in order, group by group, and yields the outcomes of each group, one for each candidate. With 'stop'
 * the first refused candidate is the last outcome: every row before it is committed, and no row after it. Ends between
 * two groups when the signal aborts. Rejects when a group could not be written.
 */
export async function* appendStream(
  sink: Sink,
  candidates: Candidates,
  atRefusal: AtRefusal,
  signal: AbortSignal,
): AsyncGenerator<readonly StreamOutcome[]> {
  const groups = prepareGroups(sink, batches(candidates, MAX_GROUP, signal), atRefusal)
  // While one group is written, the next group is prepared and the outcomes of the previous group are yielded.
  for await (const [outcomes = []] of batches(writeGroups(sink, groups, atRefusal, signal), 1)) yield outcomes
}

async function* writeGroups(
  sink: Sink,
  groups: AsyncIterable<readonly Group[]>,
  atRefusal: AtRefusal,
  signal: AbortSignal,
): AsyncGenerator<readonly StreamOutcome[][]> {
  for await (const [group] of batches(groups, 1, signal)) {
    if (group === undefined) break
    const outcomes = await writeGroup(sink, group, atRefusal)
    yield [outcomes]
    if (atRefusal === 'stop' && outcomes.some((outcome) => 'refused' in outcome)) return
  }
}

interface Group {
  readonly candidates: readonly Candidate[]
  /** The candidates that are entries, in order. */
  readonly prepared: PreparedGroup
}

async function* prepareGroups(
  sink: Sink,
  groups: AsyncIterable<readonly Candidate[]>,
  atRefusal: AtRefusal,
): AsyncGenerator<readonly Group[]> {
  for await (const group of groups) {
    const bad = group.findIndex(({ entry }) => entry instanceof AuditError)
    const candidates = atRefusal === 'stop' && bad >= 0 ? group.slice(0, bad + 1) : group
    const entries = candidates
      .map(({ entry }) => entry)
      .filter((entry): entry is InputEntry => !(entry instanceof AuditError))
    yield [{ candidates, prepared: await sink.prepare(entries) }]
  }
}

async function writeGroup(
  sink: Sink,
  { candidates, prepared }: Group,
  atRefusal: AtRefusal,
): Promise<StreamOutcome[]> {
  const appended = await sink.write(prepared, atRefusal)
  const outcomes: StreamOutcome[] = []
  let next = 0
  for (const candidate of candidates) {
    const outcome = candidate.entry instanceof AuditError ? candidate.entry : appended[next++]
    if (outcome === undefined) break
    outcomes.push(
      outcome instanceof AuditError ? { candidate, refused: outcome } : { candidate, placed: outcome },
    )
  }
  return outcomes
}
