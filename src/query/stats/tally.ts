import type { DimensionCounts, GroupCounts, RowCounts } from '../../ports/stats.js'

/**
 * Counts rows by one value, in bounded memory. Once `limit` values are counted, the rows of further values are only summed: the
 * values that came first have exact counts, and the number of values is not known.
 */
export class Tally {
  readonly #limit: number
  readonly #groups = new Map<string, { rows: number; denied: number }>()
  readonly #rest = { rows: 0, denied: 0 }
  #restValues: number | undefined = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(value: string, { rows, denied }: RowCounts): void {
    let group = this.#groups.get(value)
    if (group === undefined && this.#groups.size < this.#limit) {
      group = { rows: 0, denied: 0 }
      this.#groups.set(value, group)
    }
    if (group === undefined) this.#restValues = undefined
    const sum = group ?? this.#rest
    sum.rows += rows
    sum.denied += denied
  }

  /** Adds the counts of a chain. A value outside the groups of one chain may be in another chain too, and is then not counted twice. */
  addAll({ groups, rest }: DimensionCounts): void {
    const isFirst = this.#groups.size === 0
    const hadRest = this.#rest.rows > 0
    for (const group of groups) this.add(group.value, group)
    this.#rest.rows += rest.rows
    this.#rest.denied += rest.denied
    if (this.#rest.rows > 0) this.#restValues = isFirst && !hadRest ? rest.values : undefined
  }

  get counts(): DimensionCounts {
    const groups: GroupCounts[] = [...this.#groups].map(([value, counts]) => ({ value, ...counts }))
    return { groups, rest: { ...this.#rest, values: this.#restValues } }
  }
}
