import { isUnreadable, rowReason } from '../../base/row-filter.js'
import { startOf } from '../../base/time-buckets.js'
import { type ReadTime, wireTime } from '../../base/wire-time.js'
import type { ReadEntry } from '../../ports/query.js'
import { type ChainCounts, type Dimension, MAX_VALUES } from '../../ports/stats.js'
import { Tally } from './tally.js'

/** Counts the rows of one chain that pass by, in bounded memory. */
export class RowCounter {
  readonly #tallies: ReadonlyMap<Dimension, Tally>
  readonly #valueOf = valueReaders()
  #rows = 0
  #denied = 0
  #unreadable = 0
  #firstSeq: number | undefined
  #lastSeq: number | undefined
  #firstTime: ReadTime | undefined
  #lastTime: ReadTime | undefined

  constructor(dimensions: readonly Dimension[], limit = MAX_VALUES) {
    this.#tallies = new Map(dimensions.map((dimension) => [dimension, new Tally(limit)]))
  }

  add(row: ReadEntry): void {
    this.#rows += 1
    this.#firstSeq = Math.min(this.#firstSeq ?? row.seq, row.seq)
    this.#lastSeq = Math.max(this.#lastSeq ?? row.seq, row.seq)
    if (isUnreadable(row)) {
      this.#unreadable += 1
      return
    }
    const one = { rows: 1, denied: row.reason === 1 ? 0 : 1 }
    this.#denied += one.denied
    this.#addTime(row.recordedAt)
    for (const [dimension, tally] of this.#tallies) tally.add(this.#valueOf[dimension](row), one)
  }

  get counts(): ChainCounts {
    return {
      rows: this.#rows,
      denied: this.#denied,
      unreadable: this.#unreadable,
      firstSeq: this.#firstSeq,
      lastSeq: this.#lastSeq,
      firstRecordedAt: this.#firstTime,
      lastRecordedAt: this.#lastTime,
      by: new Map([...this.#tallies].map(([dimension, tally]) => [dimension, tally.counts])),
    }
  }

  #addTime(time: ReadTime | undefined): void {
    if (time === undefined) return
    if (this.#firstTime === undefined || isBefore(time, this.#firstTime)) this.#firstTime = time
    if (this.#lastTime === undefined || isBefore(this.#lastTime, time)) this.#lastTime = time
  }
}

/** Returns whether a time is before another; the infinite times are the ends. */
export function isBefore(a: ReadTime, b: ReadTime): boolean {
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b
  return a !== b && (a === '-infinity' || b === 'infinity')
}

type ValueReader = (row: ReadEntry) => string

/** Returns the value of a row for each dimension, as an entry shows it. */
function valueReaders(): Readonly<Record<Dimension, ValueReader>> {
  return {
    reason: ({ reason }) => rowReason(reason),
    relation: ({ relation = '' }) => relation,
    'object-type': ({ object = '' }) => object.split(':', 1)[0] ?? '',
    subject: ({ subjectPseudonym = '' }) => subjectPseudonym,
    day: timeReader('day', 86_400_000_000n),
    hour: timeReader('hour', 3_600_000_000n),
  }
}

/** Rows come in order of time, so that almost every row is in the day or the hour of the row before. */
function timeReader(unit: 'day' | 'hour', micros: bigint): ValueReader {
  let current: { readonly from: bigint; readonly value: string } | undefined
  return ({ recordedAt: time }) => {
    if (time === undefined) return ''
    if (typeof time !== 'bigint') return startOf(unit, wireTime(time))
    if (current !== undefined && time >= current.from && time < current.from + micros) return current.value
    const value = startOf(unit, wireTime(time))
    current = { from: time - (((time % micros) + micros) % micros), value }
    return value
  }
}
