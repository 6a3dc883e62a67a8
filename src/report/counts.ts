/** How often a value occurred, and how many of these rows were denied. */
export interface Count {
  readonly value: string
  readonly rows: number
  readonly denied: number
}

/** The most frequent values of one field. */
export interface TopCounts {
  /** Most frequent first. */
  readonly top: readonly Count[]
  /** Number of different values that were counted. */
  readonly distinct: number
  /** Rows whose value was not counted, because {@link MAX_DISTINCT} other values came first. */
  readonly uncounted: number
}

/** Different values that are counted for one field. Bounds the memory of a long chain. */
const MAX_DISTINCT = 50_000

interface Tally {
  rows: number
  denied: number
}

/** Counts the values of one field. */
export class Counts {
  readonly #byValue = new Map<string, Tally>()
  readonly #maxDistinct: number
  #uncounted = 0

  constructor(maxDistinct = MAX_DISTINCT) {
    this.#maxDistinct = maxDistinct
  }

  add(value: string, isDenied: boolean): void {
    const tally = this.#byValue.get(value)
    if (tally !== undefined) {
      tally.rows += 1
      if (isDenied) tally.denied += 1
    } else if (this.#byValue.size < this.#maxDistinct) {
      this.#byValue.set(value, { rows: 1, denied: isDenied ? 1 : 0 })
    } else {
      this.#uncounted += 1
    }
  }

  /** Returns the `limit` most frequent values. Values with the same count are in the order of their text. */
  top(limit: number): TopCounts {
    const all = [...this.#byValue].map(([value, { rows, denied }]) => ({ value, rows, denied }))
    all.sort((a, b) => b.rows - a.rows || (a.value < b.value ? -1 : 1))
    return { top: all.slice(0, limit), distinct: all.length, uncounted: this.#uncounted }
  }
}
