const CAPACITY = 1024

/** A list of numbers that takes 8 to 16 bytes each. */
export class Numbers {
  #values = new Float64Array(CAPACITY)
  #length = 0

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const grown = new Float64Array(2 * this.#length)
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[this.#length] = value
    this.#length += 1
  }

  /** Returns a view of the memory, valid until the next push. */
  all(): Float64Array {
    return this.#values.subarray(0, this.#length)
  }
}
