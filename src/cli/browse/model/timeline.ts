import { isUnreadable } from '../../../base/row-filter.js'
import type { ReadTime } from '../../../base/wire-time.js'

/** Rows by time, in buckets of the same length. A bucket is thinner than a column, so that it fits every width. */
export interface Timeline {
  /** recorded_at of the first and the last row of the chain, in microseconds since 1970. */
  readonly from: bigint
  readonly to: bigint
  readonly rows: readonly number[]
  readonly denials: readonly number[]
  /** The rows counted so far. */
  readonly counted: number
  /** The last seq that is counted, and whether that is the end of the chain. */
  readonly through: number
  readonly isComplete: boolean
}

/** What the timeline needs to know of a row. */
export interface TimedRow {
  readonly seq: number
  readonly recordedAt?: ReadTime | undefined
  /** 1 is granted; every other number is a denial. */
  readonly reason?: number | undefined
  /** Why the row cannot be read. Such a row has no bucket. */
  readonly problem?: string | undefined
}

const BUCKETS = 480
const GRANTED = 1

/** Returns a timeline without rows between two times, in either order. */
export function emptyTimeline(from: bigint, to: bigint): Timeline {
  const none = new Array<number>(BUCKETS).fill(0)
  const [first, last] = from <= to ? [from, to] : [to, from]
  return { from: first, to: last, rows: none, denials: none, counted: 0, through: 0, isComplete: false }
}

/** Adds rows. A row outside the times, or without one, counts in the nearest bucket. A row that cannot be read is counted, and in no bucket. */
export function counted(timeline: Timeline, added: readonly TimedRow[]): Timeline {
  const rows = [...timeline.rows]
  const denials = [...timeline.denials]
  for (const row of added) {
    if (isUnreadable(row)) continue
    const at = bucketOf(timeline, row.recordedAt)
    rows[at] = (rows[at] ?? 0) + 1
    if (row.reason !== GRANTED) denials[at] = (denials[at] ?? 0) + 1
  }
  const through = added.at(-1)?.seq ?? timeline.through
  return { ...timeline, rows, denials, counted: timeline.counted + added.length, through }
}

function bucketOf({ from, to }: Timeline, time: ReadTime | undefined): number {
  if (time === undefined || time === '-infinity') return 0
  if (time === 'infinity' || time >= to) return BUCKETS - 1
  return time <= from ? 0 : Number(((time - from) * BigInt(BUCKETS)) / (to - from + 1n))
}

/** Returns the buckets joined into `columns` columns. */
export function columnsOf(buckets: readonly number[], columns: number): number[] {
  const sums = new Array<number>(columns).fill(0)
  buckets.forEach((count, index) => {
    const at = Math.min(columns - 1, Math.floor((index * columns) / buckets.length))
    sums[at] = (sums[at] ?? 0) + count
  })
  return sums
}

/** Returns the column of a time; undefined for a time outside the timeline. */
export function columnOf(
  timeline: Timeline,
  time: ReadTime | undefined,
  columns: number,
): number | undefined {
  if (typeof time !== 'bigint' || time < timeline.from || time > timeline.to) return undefined
  return Math.min(columns - 1, Math.floor((bucketOf(timeline, time) * columns) / BUCKETS))
}
