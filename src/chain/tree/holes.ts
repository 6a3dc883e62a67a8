import { HASH_BYTES } from '../layout.js'

/** Rows from a seq to another, both included. */
export interface SeqRange {
  readonly from: number
  readonly to: number
}

/** The data of a leaf whose row was signed over. */
export const HOLE_DATA = new Uint8Array(HASH_BYTES)

/**
 * The rows of one chain without data in its tree (tlog.md, section 2). Ranges that touch or overlap are one hole, because the
 * row after the first of them has no data either.
 */
export class Holes {
  /** Ascending, with rows between them. */
  readonly ranges: readonly SeqRange[]

  constructor(ranges: readonly SeqRange[] = []) {
    const holes: SeqRange[] = []
    for (const { from, to } of [...ranges].sort((one, other) => one.from - other.from)) {
      const last = holes.at(-1)
      if (last === undefined || from > last.to + 1) holes.push({ from, to })
      else holes[holes.length - 1] = { from: last.from, to: Math.max(last.to, to) }
    }
    this.ranges = holes
  }

  /** Returns the hole that a row lies in. */
  at(seq: number): SeqRange | undefined {
    let [low, high] = [0, this.ranges.length - 1]
    while (low <= high) {
      const middle = Math.floor((low + high) / 2)
      const range = this.ranges[middle] as SeqRange
      if (seq < range.from) high = middle - 1
      else if (seq > range.to) low = middle + 1
      else return range
    }
    return undefined
  }

  /**
   * Returns how many leaves of the hole before a row come before it, none where the row before it has data. All but the last have
   * {@link HOLE_DATA}, and the last has the prev_hash of this row.
   */
  before(seq: number): number {
    const hole = this.at(seq - 1)
    return hole === undefined ? 0 : hole.to - hole.from + 1
  }
}

/**
 * Yields the data of the leaves of some rows without holes between them, ascending, and of the holes right before them.
 * `prevHash` and `entryHash` are 32 bytes.
 */
export function* leafData(
  rows: Iterable<{ readonly seq: number; readonly prevHash: Uint8Array; readonly entryHash: Uint8Array }>,
  holes: Holes,
): Generator<Uint8Array> {
  for (const { seq, prevHash, entryHash } of rows) {
    const missing = holes.before(seq)
    for (let left = missing; left > 1; left -= 1) yield HOLE_DATA
    if (missing > 0) yield prevHash
    yield entryHash
  }
}
