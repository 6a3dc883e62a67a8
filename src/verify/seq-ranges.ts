/** Ascending ranges of seqs, asked in ascending order. */
export class SeqRanges {
  #at = 0

  constructor(readonly ranges: readonly (readonly [from: number, to: number])[]) {}

  has(seq: number): boolean {
    while ((this.ranges[this.#at]?.[1] ?? Number.POSITIVE_INFINITY) < seq) this.#at += 1
    return (this.ranges[this.#at]?.[0] ?? Number.POSITIVE_INFINITY) <= seq
  }
}
