import { SeqRanges } from '../verify/seq-ranges.js'

/** A set of seqs that are added in ascending order, kept as ranges. */
export class RowsWanted {
  constructor(readonly ranges: [from: number, to: number][] = []) {}

  add(seq: number): void {
    const last = this.ranges.at(-1)
    if (last !== undefined && last[1] === seq - 1) last[1] = seq
    else this.ranges.push([seq, seq])
  }

  /** Returns a function that says whether a seq is in the set; call it with ascending seqs. */
  asker(): (seq: number) => boolean {
    const ranges = new SeqRanges(this.ranges.flat())
    return (seq) => ranges.has(seq)
  }

  touches({ from, to }: { readonly from: number; readonly to: number }): boolean {
    return this.ranges.some((range) => range[0] <= to && range[1] >= from)
  }
}
