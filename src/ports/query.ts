import type { RowFilter } from '../base/row-filter.js'
import type { ReadTime } from '../base/wire-time.js'
import type { PreviousRow } from '../chain/evidence/row-check.js'
import type { OwnBytes } from './mirror.js'

/**
 * One stored row as readers see it. A row may have been forced into the table past every CHECK: a field is absent if it was
 * NULL or an array that the format cannot hold.
 */
export interface ReadEntry {
  readonly domainId: string
  /** 1 to 2^53-1. Readers leave out rows beyond that; verify reports them. */
  readonly seq: number
  readonly generation?: number | undefined
  /** Lower-case hex, like the hashes; of any length. */
  readonly subjectPseudonym?: string | undefined
  readonly relation?: string | undefined
  readonly object?: string | undefined
  /** 1 to 4, or a value that was forced into the table. */
  readonly reason?: number | undefined
  readonly relationPath?: readonly string[] | undefined
  readonly caveatContext?: readonly string[] | undefined
  readonly correlationId?: string | undefined
  readonly zedtoken?: string | undefined
  /** Microseconds since 1970-01-01T00:00:00Z, or an infinite time. */
  readonly recordedAt?: ReadTime | undefined
  readonly prevHash?: string | undefined
  readonly entryHash?: string | undefined
  /** The canonical bytes, where the copy stores them and the other fields were decoded from them. */
  readonly canonical?: Uint8Array | undefined
  /** Why the stored bytes of the row could not be decoded, after "row N". Then seq and hashes are all that may be known. */
  readonly problem?: string | undefined
  /** With a `problem`: what the stored bytes say of the row all the same. It is shown, and neither filtered by nor counted. */
  readonly claimed?: ClaimedFields | undefined
  /** With a `problem`: the canonical bytes that a malformed object holds. */
  readonly own?: OwnBytes | undefined
  /** Absent where the copy does not hold the row before, for example in a bundle of some rows: the link is then unknown. */
  readonly previous?: PreviousRow | undefined
  readonly archivedAt?: ReadTime | undefined
  readonly archiveEtag?: string | undefined
  /** Absent after an erasure, and if none was given. */
  readonly identityId?: string | undefined
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
  /** The metadata of the request: a JSON object, as it is stored. */
  readonly metadata?: string | undefined
  /** The event's own time, from the metadata. Absent where they hold none, so for every row that was not imported. */
  readonly eventTime?: ReadTime | undefined
  /** Why the person of a row `audit.identity-reveal` was identified. Only `get` of PostgreSQL reads it. */
  readonly revealReason?: string | undefined
}

/** The fields of a row that a malformed object may claim. */
export type ClaimedFields = Pick<
  ReadEntry,
  | 'subjectPseudonym'
  | 'relation'
  | 'object'
  | 'reason'
  | 'relationPath'
  | 'caveatContext'
  | 'correlationId'
  | 'zedtoken'
  | 'recordedAt'
  | 'prevHash'
  | 'entryHash'
>

/** Which rows to list. */
export interface EntryFilter extends RowFilter {
  /** Earliest time of the event itself, inclusive, in microseconds since 1970-01-01T00:00:00Z. Only PostgreSQL has it. */
  readonly eventFrom?: bigint | undefined
  /** Latest time of the event itself, inclusive. */
  readonly eventTo?: bigint | undefined
}

/** The rows of a chain that are ahead of the clock. */
export interface RowsAhead {
  readonly rows: number
  /** The time after which a row counts as ahead, in microseconds since 1970-01-01T00:00:00Z. */
  readonly after: bigint
}

/**
 * What is known of the order of a chain's times, by which PostgreSQL finds a time range: `verified` where this run recomputed
 * every row and compared its time; `broken` where times are not in order, so that every row is read; otherwise `unverified`.
 */
export type TimeOrder = 'verified' | 'unverified' | 'broken'

/** A range of rows by their seq, and the order to read them in. */
export interface SeqRange {
  /** Only rows with a higher seq. 0 for all rows. */
  readonly after: number
  /** Only rows with this seq or a lower one. Absent: up to the end of the chain. */
  readonly upTo?: number | undefined
  /**
   * `ascending`, the default: a page holds the lowest rows of the range, lowest first. `descending`: it holds the highest
   * rows, highest first; the next page has `upTo` one below the last row.
   */
  readonly order?: PageOrder | undefined
}

/** The rows that a page may hold. */
export interface PageRange extends SeqRange {
  /** 1 or more. */
  readonly limit: number
  /** The order of the chain's times, where the caller has asked for it. */
  readonly timeOrder?: TimeOrder | undefined
}

export type PageOrder = 'ascending' | 'descending'

export interface EntryReader {
  /**
   * Returns up to `limit` rows of a chain in the range that match the filter, in the order of the range. An unknown chain has
   * no rows. Every call sees what is committed by then, so ascending pages chained by seq return each row once, however many
   * rows are appended meanwhile.
   */
  page(domainId: string, filter: EntryFilter, range: PageRange): Promise<readonly ReadEntry[]>
  /**
   * Yields the rows of a range that match the filter, in the order of the range. Absent where reading page by page is as
   * good. A mirror reads many objects at once, and a bundle is read once from its beginning.
   */
  stream?(
    domainId: string,
    filter: EntryFilter,
    range: SeqRange,
    signal?: AbortSignal,
  ): AsyncIterable<ReadEntry>
  /** Returns the row at `seq`. Returns several only if somebody dropped the primary key and duplicated the row. */
  rowsAt(domainId: string, seq: number): Promise<readonly ReadEntry[]>
  /**
   * Returns how many rows of the chain are ahead of the database's clock, beyond the tolerance of chain/row-time. A copy
   * without a clock of its own has none. `known` is the order of the chain's times, where the caller has asked for it.
   */
  countAhead(domainId: string, known?: TimeOrder): Promise<RowsAhead>
  /** Returns what is known of the order of the chain's times before any row is read, so never `verified`. */
  timeOrder(domainId: string): Promise<TimeOrder>
  /** Returns whether a row of the chain has a time of the event itself. Only PostgreSQL holds such times. */
  hasEventTimes(domainId: string): Promise<boolean>
  /** Returns whether the chain exists: it is registered, or has rows left. */
  knows(domainId: string): Promise<boolean>
  /** The copy that is read, if it is not the database. `where` names it in messages. */
  readonly copy?: { readonly name: 'mirror' | 'bundle'; readonly where: string } | undefined
}
