import type { ReadTime } from '../base/wire-time.js'
import type { EntryFilter, PageRange } from './query.js'

/** What rows can be counted by. */
export const DIMENSIONS = ['reason', 'relation', 'object-type', 'subject', 'day', 'hour'] as const

export type Dimension = (typeof DIMENSIONS)[number]

/**
 * The most values that are counted apart for one dimension. A hostile or merely large chain may have a value of its own in every
 * row, and memory must not grow with it.
 */
export const MAX_VALUES = 100_000

export interface RowCounts {
  readonly rows: number
  /** The rows whose reason is not `granted`. */
  readonly denied: number
}

/** The rows that share one value. */
export interface GroupCounts extends RowCounts {
  /**
   * The value as an entry shows it, empty where none is stored. A subject is a pseudonym; a day is `2026-01-31`, and an hour
   * `2026-01-31T13:00:00Z`, both in UTC.
   */
  readonly value: string
}

export interface DimensionCounts {
  readonly groups: readonly GroupCounts[]
  /** The rows of the values that are not in `groups`. */
  readonly rest: RowCounts & {
    /** The number of these values; absent where it is not known. */
    readonly values?: number | undefined
  }
}

/** The counts of the rows of one chain. */
export interface ChainCounts extends RowCounts {
  /** The rows, among `rows`, whose fields cannot be read. They are neither denied nor in `by`. */
  readonly unreadable: number
  readonly firstSeq?: number | undefined
  readonly lastSeq?: number | undefined
  /** The earliest and the latest recorded_at, in whichever order the rows are. */
  readonly firstRecordedAt?: ReadTime | undefined
  readonly lastRecordedAt?: ReadTime | undefined
  readonly by: ReadonlyMap<Dimension, DimensionCounts>
}

/** The rows to count, and by what. */
export interface CountRequest {
  readonly domainId: string
  readonly filter: EntryFilter
  readonly range: Pick<PageRange, 'after' | 'upTo'>
  readonly dimensions: readonly Dimension[]
  /** The values of each dimension to return, the most frequent ones; hours and days are returned up to {@link MAX_VALUES}. */
  readonly values: number
}

export interface CountStore {
  /**
   * Counts the rows of a chain as they are stored, in one snapshot. An unknown chain has no rows. Rejects with the reason of the
   * signal once it aborts.
   */
  count(request: CountRequest, signal: AbortSignal): Promise<ChainCounts>
}
