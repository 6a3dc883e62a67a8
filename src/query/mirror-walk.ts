import { type PreviousRow, START } from '../chain/evidence/row-check.js'
import { LIMITS } from '../chain/limits.js'
import type { ReadEntry, SeqRange } from '../ports/query.js'
import { LateObjects } from '../verify/late-objects.js'
import type { MirrorChain } from './mirror-chain.js'
import { downwards, type Fetched, fetchRow, rowsOf, type Steps, upwards } from './mirror-steps.js'

/** How many objects to read at once, and how long to wait for uploads in flight. */
export interface WalkPace {
  readonly ahead: number
  /** Milliseconds in all. */
  readonly patience: number
}

/**
 * Yields the rows of a range in its order and in batches, each with the stored row before it. Reads by key, many objects at once, and lists
 * names only where an object is missing: to find what lies behind a gap, or that the chain ends.
 */
export function walk(
  chain: MirrorChain,
  range: SeqRange,
  pace: WalkPace,
): AsyncGenerator<readonly ReadEntry[]> {
  return range.order === 'descending' ? walkDown(chain, range, pace) : walkUp(chain, range, pace)
}

/** The row before the range is read too: the first row of the range links to it. */
async function* walkUp(
  chain: MirrorChain,
  { after, upTo = LIMITS.maxSeq }: SeqRange,
  pace: WalkPace,
): AsyncGenerator<readonly ReadEntry[]> {
  const from = Math.max(1, after)
  let before: PreviousRow | undefined = after === 0 ? START : undefined
  for await (const rows of filled(chain, upwards(chain, from, upTo), pace, from - 1)) {
    const linked: ReadEntry[] = []
    for (const row of rows) {
      if (row.seq > after) linked.push(withPrevious(row, before ?? (await rowBefore(chain, row.seq))))
      before = asPrevious(row)
    }
    yield linked
  }
}

/** Yields a row when the next one shows what is stored before it. */
async function* walkDown(
  chain: MirrorChain,
  { after, upTo }: SeqRange,
  pace: WalkPace,
): AsyncGenerator<readonly ReadEntry[]> {
  let waiting: ReadEntry | undefined
  for await (const rows of filled(chain, downwards(chain, upTo), pace)) {
    const linked: ReadEntry[] = []
    for (const row of rows) {
      if (waiting !== undefined && waiting.seq > after) linked.push(withPrevious(waiting, asPrevious(row)))
      waiting = row
    }
    yield linked
    if (waiting !== undefined && waiting.seq <= after) return
  }
  if (waiting !== undefined && waiting.seq > after) yield [withPrevious(waiting, START)]
}

/** Adds the row before to a row that was just read. A copy of the row would cost as much as its hash. */
function withPrevious(row: ReadEntry, previous: PreviousRow | undefined): ReadEntry {
  return Object.assign(row, { previous })
}

function asPrevious({ seq, entryHash }: ReadEntry): PreviousRow {
  return { seq, entryHash }
}

/** Returns the stored row before a row that comes after a gap. */
async function rowBefore(chain: MirrorChain, seq: number): Promise<PreviousRow | undefined> {
  const before = (await chain.seqRanges(seq - 1)).popBelow(seq)
  if (before === 0) return START
  const row = await chain.read(before)
  return row === undefined ? undefined : asPrevious(row)
}

/** Yields the rows of a walk, with the late objects that fill its gaps. `last` is the seq before the first row, if known. */
async function* filled(
  chain: MirrorChain,
  steps: Steps,
  { ahead, patience }: WalkPace,
  last?: number,
): AsyncGenerator<readonly ReadEntry[]> {
  const late = new LateObjects<Fetched>((seq) => fetchRow(chain, seq), chain.signal, patience)
  let before = last
  for await (const rows of rowsOf(chain, steps, ahead)) {
    const all: ReadEntry[] = []
    for (const row of rows) {
      if (before !== undefined && Math.abs(row.seq - before) > 1)
        all.push(...(await lateBetween(late, before, row.seq)))
      before = row.seq
      all.push(row)
    }
    yield all
  }
}

async function lateBetween(late: LateObjects<Fetched>, from: number, to: number): Promise<ReadEntry[]> {
  const found = await late.between(Math.min(from, to) + 1, Math.max(from, to))
  const rows = found.flatMap(({ row }) => row ?? [])
  return from < to ? rows : rows.reverse()
}
