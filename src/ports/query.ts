import type { ReadTime } from '../base/wire-time.js'
import type { Reason } from '../chain/reason.js'

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
  readonly archivedAt?: ReadTime | undefined
  readonly archiveEtag?: string | undefined
  /** Absent after an erasure, and if none was given. */
  readonly identityId?: string | undefined
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

/** Which rows to list. All given conditions must hold; an absent field does not filter. */
export interface EntryFilter {
  /** 64 lower-case hex digits. */
  readonly subjectPseudonym?: string | undefined
  readonly relation?: string | undefined
  readonly objectType?: string | undefined
  readonly objectId?: string | undefined
  /** `unknown`: NULL, or an ordinal outside 1 to 4. */
  readonly reason?: Reason | 'unknown' | undefined
  /** Earliest recorded_at, inclusive, in microseconds since 1970-01-01T00:00:00Z. */
  readonly from?: bigint | undefined
  /** Latest recorded_at, inclusive. */
  readonly to?: bigint | undefined
  readonly correlationId?: string | undefined
}

export interface EntryReader {
  /**
   * Returns the first `limit` rows of a chain after seq `after`, ascending. An unknown chain has no rows. Every call sees what
   * is committed by then, so pages chained by seq return each row once, however many rows are appended meanwhile.
   */
  page(
    domainId: string,
    filter: EntryFilter,
    range: { after: number; limit: number },
  ): Promise<readonly ReadEntry[]>
  /** Returns the row at `seq`. Returns several only if somebody dropped the primary key and duplicated the row. */
  rowsAt(domainId: string, seq: number): Promise<readonly ReadEntry[]>
  /** Returns whether the chain exists: it is registered, or has rows left. */
  knows(domainId: string): Promise<boolean>
}
