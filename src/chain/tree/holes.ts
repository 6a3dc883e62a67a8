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

  /** Returns the rows outside holes from a seq to another, ascending, one range for each stretch without a hole. */
  outside(from: number, to: number): SeqRange[] {
    const stretches: SeqRange[] = []
    let next = from
    for (const hole of this.ranges) {
      if (hole.from > to) break
      if (hole.from > next) stretches.push({ from: next, to: hole.from - 1 })
      next = Math.max(next, hole.to + 1)
    }
    if (next <= to) stretches.push({ from: next, to })
    return stretches
  }
}

/** A row that has data in its tree. */
interface LeafRow {
  readonly seq: number
  /** 32 bytes. */
  readonly prevHash: Uint8Array
  /** 32 bytes. */
  readonly entryHash: Uint8Array
}

/**
 * Yields the data of the leaves after leaf `size` up to some rows, ascending. Rows that are left out lie in holes: their leaves have
 * {@link HOLE_DATA}, but the last of a hole has the prev_hash of the row after it.
 */
export function* leafData(size: number, rows: Iterable<LeafRow>): Generator<Uint8Array> {
  let last = size
  for (const { seq, prevHash, entryHash } of rows) {
    for (; last < seq - 2; last += 1) yield HOLE_DATA
    if (last < seq - 1) yield prevHash
    yield entryHash
    last = seq
  }
}
