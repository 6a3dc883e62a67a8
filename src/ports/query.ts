import type { ReadTime } from '../base/wire-time.js'
import type { Reason } from '../chain/reason.js'

/**
 * One stored row as the read surface sees it. A row may have been forced into the table past every CHECK: a field is
 * absent where it was NULL, or an array that the format cannot hold.
 */
export interface ReadEntry {
  readonly domainId: string
  /** 1 to 2^53-1: a reader leaves out rows beyond; verify is what reports them. */
  readonly seq: number
  readonly generation?: number | undefined
  /** Lower-case hex, like the hashes; of any length. */
  readonly subjectPseudonym?: string | undefined
  readonly relation?: string | undefined
  readonly object?: string | undefined
  /** 1 to 4, or whatever was forced into the table. */
  readonly reason?: number | undefined
  readonly relationPath?: readonly string[] | undefined
  readonly caveatContext?: readonly string[] | undefined
  readonly correlationId?: string | undefined
  readonly zedtoken?: string | undefined
  /** Microseconds since 1970-01-01T00:00:00Z; an infinite time is itself. */
  readonly recordedAt?: ReadTime | undefined
  readonly prevHash?: string | undefined
  readonly entryHash?: string | undefined
  readonly archivedAt?: ReadTime | undefined
  readonly archiveEtag?: string | undefined
  /** Absent once erased, and where none was given. */
  readonly identityId?: string | undefined
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

/** What rows to list, all of it ANDed; what is absent does not filter. */
export interface EntryFilter {
  /** 64 lower-case hex digits. */
  readonly subjectPseudonym?: string | undefined
  readonly relation?: string | undefined
  readonly objectType?: string | undefined
  readonly objectId?: string | undefined
  /** `unknown`: NULL, or an ordinal outside 1 to 4. */
  readonly reason?: Reason | 'unknown' | undefined
  /** On recorded_at, inclusive, microseconds since 1970-01-01T00:00:00Z. */
  readonly from?: bigint | undefined
  readonly to?: bigint | undefined
  readonly correlationId?: string | undefined
}

export interface EntryReader {
  /**
   * The first `limit` rows of a chain after seq `after`, ascending. A chain that is unknown has none. Every call sees
   * what is committed by then, so pages chained by seq give each row once, however many are appended meanwhile.
   */
  page(
    domainId: string,
    filter: EntryFilter,
    range: { after: number; limit: number },
  ): Promise<readonly ReadEntry[]>
  /** The row at `seq`; more than one only where the primary key was dropped to get them there. */
  rowsAt(domainId: string, seq: number): Promise<readonly ReadEntry[]>
  /** Whether there is such a chain: registered, or with rows left. */
  knows(domainId: string): Promise<boolean>
}
