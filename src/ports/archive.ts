import type { DomainClaims } from '../base/domain-claims.js'
import type { ReadTime } from '../base/wire-time.js'
import type { ChainHead } from '../chain/entry.js'
import type { StoredRow } from '../chain/fold.js'
import type { LastRow } from '../chain/head.js'

/**
 * An archiver has at most this many uploads in flight to one mirror. Uploads end in any order, so while they run a listing
 * may lack that many objects before one that it has. A verify takes a wider gap for rows that are missing.
 */
export const MAX_UPLOADS_IN_FLIGHT = 256

/** A chain that has rows without an archive stamp. */
export interface WaitingChain {
  readonly domainId: string
  readonly claims: DomainClaims
  /** The seq of the first row without a stamp. */
  readonly firstSeq: number
  /** The seq of the chain's last row, stamped or not. */
  readonly lastSeq: number
}

/** What follows a run of rows, from the snapshot that the rows are read in. */
export interface RunFacts {
  /** The archived row that the run ends before; absent where the run goes on to the end of the chain. */
  readonly stampedSeq?: number | undefined
  readonly head?: ChainHead | undefined
  /** The last row of the chain, which may lie beyond the run. */
  readonly last?: LastRow | undefined
}

/** Rows whose seqs follow each other, and that all have, or all lack, a stamp that counts. */
export interface StampRange {
  readonly from: number
  readonly to: number
  readonly isStamped: boolean
}

/** The stamping of one batch. */
export interface StampedBatch {
  /** How many rows were stamped, durably. */
  readonly stamped: number
  /** Rows that have a stamp which does not count, because it is older than its row. A stamp is never changed. */
  readonly refused: readonly number[]
  /** The statements by which the owner of the tables deletes such stamps of the chain. */
  readonly removal: string
}

/** The rows that the archiver drains: they have no stamp that counts, and a seq from 1 to 2^53-1. */
export interface ArchiveQueue {
  /**
   * Returns the chains that have rows to archive, by their heads and watermarks. Both are hints: only {@link ranges} finds rows
   * that they hide.
   */
  waiting(): Promise<readonly WaitingChain[]>
  /** Compares all rows of a chain with the stamps, and yields their ranges in order of seq, in batches. Reads no hint. */
  ranges(domainId: string, signal: AbortSignal): AsyncIterable<readonly StampRange[]>
  /** Corrects the hints of a chain: every row up to `through` has a stamp, and the row after it, if there is one, has none. */
  correct(domainId: string, through: number): Promise<void>
  /**
   * Runs `use` unless an archiver has claimed this chain, and resolves to whether it ran. The claim ends with `use`, or some
   * seconds after this process died or lost the database. Then another archiver may begin while this one still uploads:
   * create-only objects and one-time stamps allow for that.
   */
  claim(domainId: string, use: () => Promise<void>): Promise<boolean>
  /**
   * Runs `use`, which uploads rows that are stamped, and claims the chain, or every chain, for that time. Where another process has
   * the claim, `use` runs without one.
   */
  fill<T>(chain: string | 'all', use: () => Promise<T>): Promise<T>
  /** Returns whether a process uploads stamped rows of this chain, so that an object which is missing may still come. */
  isFilled(domainId: string): Promise<boolean>
  /** Returns the first seq above `after` without a stamp that counts. Reads no hint. */
  nextUnstamped(domainId: string, after: number): Promise<number | undefined>
  /**
   * Reads, ascending and in one snapshot, the row before `fromSeq` if there is one, and the rows up to the first archived
   * row beyond `pastSeq`, or to the end of the chain. Calls `begin` with the facts before the first row, and the function
   * that it returns with each row; a row's bytes are valid only during that call. Rejects with the signal's reason.
   */
  scan(
    domainId: string,
    range: { fromSeq: number; pastSeq: number },
    begin: (facts: RunFacts) => (row: StoredRow) => void,
    signal: AbortSignal,
  ): Promise<RunFacts>
  /** Returns the rows from a seq to another, ascending, from one snapshot. */
  rows(domainId: string, fromSeq: number, toSeq: number): Promise<readonly StoredRow[]>
  /** Stamps the rows of one batch, at least one, that have no stamp. */
  stamp(domainId: string, stamps: readonly { seq: number; etag: string }[]): Promise<StampedBatch>
  /** Releases every claim. */
  close(): Promise<void>
}

/** A row, to be compared with the keys of the mirror. */
export interface LedgerRow {
  readonly seq: number
  /** Absent where the row has no stamp that counts. */
  readonly archivedAt?: ReadTime | undefined
  /** The stored entry_hash, 64 hex digits unless it was forced. */
  readonly entryHash?: string | undefined
}

/** The state of one chain and its archive in PostgreSQL, at one moment. */
export interface LedgerState {
  /** Whether the registry or the platform chain knows this Domain. */
  readonly known: boolean
  readonly claims: DomainClaims
  /** 0 where there is no row. */
  readonly lastSeq: number
  /** The database's clock, microseconds since 1970. No stamp is older than its object. */
  readonly clock: bigint
}

/** Reads the archive stamps of a chain's rows. */
export interface ArchiveLedger {
  state(domainId: string): Promise<LedgerState>
  /** Returns at most `limit` rows with a seq above `after` and at most `toSeq`, ascending. */
  page(
    domainId: string,
    range: { after: number; toSeq: number; limit: number },
  ): Promise<readonly LedgerRow[]>
  /** Returns the age of a row by the database's clock, in seconds; 0 where there is no such row. */
  ageSeconds(domainId: string, seq: number): Promise<number>
}
