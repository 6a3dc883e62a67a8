/** Ascending ranges of seqs (first, last, first, last). The seqs must be looked up in ascending order. */
export class SeqRanges {
  #at = 0

  constructor(readonly bounds: ArrayLike<number>) {}

  has(seq: number): boolean {
    while ((this.bounds[this.#at + 1] ?? Number.POSITIVE_INFINITY) < seq) this.#at += 2
    return (this.bounds[this.#at] ?? Number.POSITIVE_INFINITY) <= seq
  }
}
