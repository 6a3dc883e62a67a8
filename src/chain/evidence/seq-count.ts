/** Counts seqs of a set within a range. The seqs are added in ascending order; neighbours take no more memory than one. */
export class SeqCount {
  readonly #from: number[] = []
  readonly #to: number[] = []
  /** The number of seqs in all ranges before each range. */
  readonly #before: number[] = []

  add(seq: number): void {
    const at = this.#to.length - 1
    const last = this.#to[at]
    if (last !== undefined && seq <= last) return
    if (last === seq - 1) {
      this.#to[at] = seq
      return
    }
    this.#before.push(last === undefined ? 0 : (this.#before[at] ?? 0) + this.#sizeAt(at))
    this.#from.push(seq)
    this.#to.push(seq)
  }

  /** Returns how many seqs lie between two others, both included. */
  between(from: number, to: number): number {
    return this.#through(to) - this.#through(from - 1)
  }

  /** Returns how many seqs are not above `seq`. */
  #through(seq: number): number {
    const at = lastNotAbove(this.#from, seq)
    if (at < 0) return 0
    return (this.#before[at] ?? 0) + Math.min(this.#sizeAt(at), seq - (this.#from[at] ?? 0) + 1)
  }

  #sizeAt(at: number): number {
    return (this.#to[at] ?? 0) - (this.#from[at] ?? 0) + 1
  }
}

/** Returns the index of the last of ascending numbers that is not above `limit`; -1 where every number is. */
export function lastNotAbove(numbers: ArrayLike<number>, limit: number): number {
  let [low, high] = [0, numbers.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] ?? 0) <= limit) low = middle + 1
    else high = middle
  }
  return low - 1
}
