import { AuditError } from '../errors.js'
import type { AtRefusal, Placed } from '../ports.js'
import { batches } from './batches.js'
import type { Candidate } from './candidates.js'
import type { InputEntry } from './input-line.js'
import { MAX_GROUP, type Sink } from './sink.js'

/** What became of one candidate: its rows are durable, or it was refused. */
export type StreamOutcome =
  | { readonly candidate: Candidate; readonly placed: readonly Placed[] }
  | { readonly candidate: Candidate; readonly refused: AuditError }

/**
 * Appends a stream in order, group by group. With 'stop' the first refused candidate is the last outcome: every row
 * told before it is committed, and none after it is. Ends at an abort, between two groups. Rejects when a group could
 * not be written.
 */
export async function* appendStream(
  sink: Sink,
  candidates: AsyncIterable<Candidate>,
  atRefusal: AtRefusal,
  signal: AbortSignal,
): AsyncGenerator<StreamOutcome> {
  for await (const batch of batches(candidates, MAX_GROUP, signal)) {
    for (const outcome of await appendBatch(sink, batch, atRefusal)) {
      yield outcome
      if ('refused' in outcome && atRefusal === 'stop') return
    }
  }
}

async function appendBatch(
  sink: Sink,
  batch: readonly Candidate[],
  atRefusal: AtRefusal,
): Promise<StreamOutcome[]> {
  const bad = batch.findIndex(({ entry }) => entry instanceof AuditError)
  const wanted = atRefusal === 'stop' && bad >= 0 ? batch.slice(0, bad + 1) : batch
  const entries = wanted
    .map(({ entry }) => entry)
    .filter((entry): entry is InputEntry => !(entry instanceof AuditError))
  const appended = entries.length === 0 ? [] : await sink.recordGroup(entries, atRefusal)
  const outcomes: StreamOutcome[] = []
  let next = 0
  for (const candidate of wanted) {
    const outcome = candidate.entry instanceof AuditError ? candidate.entry : appended[next++]
    if (outcome === undefined) break
    outcomes.push(
      outcome instanceof AuditError ? { candidate, refused: outcome } : { candidate, placed: outcome },
    )
  }
  return outcomes
}
