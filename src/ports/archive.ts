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
  /** The mirror that its Domain names; absent: the default. */
  readonly mirrorUrl?: string | undefined
  /** Of its last row, stamped or not. */
  readonly lastSeq: number
}

/** What a run of rows stands before, all of the snapshot that its rows are read in. */
export interface RunFacts {
  /** The archived row that it ends before; absent where the run goes on to the end of the chain. */
  readonly stampedSeq?: number | undefined
  readonly head?: ChainHead | undefined
  /** The last row of the chain, which may lie beyond the run. */
  readonly last?: LastRow | undefined
}

/** What the archiver drains: rows whose archived_at is NULL, as far as their seq is one of the format (1 to 2^53-1). */
export interface ArchiveQueue {
  waiting(): Promise<readonly WaitingChain[]>
  /**
   * Runs `use` unless another archiver has this chain; resolves to whether it ran. Not to be called for a chain whose
   * `use` still runs. The claim ends with `use`, and with the connection: then another may begin while this one still
   * uploads, which create-only objects and one-time stamps allow for.
   */
  claim(domainId: string, use: () => Promise<void>): Promise<boolean>
  /** The first seq without a stamp above `after`. */
  nextUnstamped(domainId: string, after: number): Promise<number | undefined>
  /**
   * Hands over, ascending and in one snapshot, the row before `fromSeq` where there is one, and the rows up to the first
   * archived one beyond `pastSeq`, or to the end of the chain. `begin` is told the facts before the first row; a row is
   * only whole until it returns. Rejects with the signal's reason.
   */
  scan(
    domainId: string,
    range: { fromSeq: number; pastSeq: number },
    begin: (facts: RunFacts) => (row: StoredRow) => void,
    signal: AbortSignal,
  ): Promise<RunFacts>
  /** The rows of one snapshot from a seq to another, ascending. */
  rows(domainId: string, fromSeq: number, toSeq: number): Promise<readonly StoredRow[]>
  /** Stamps rows that have none, at least one and of one batch; resolves with how many it stamped, durably. */
  stamp(domainId: string, stamps: readonly { seq: number; etag: string }[]): Promise<number>
  /** Gives every claim back. */
  close(): Promise<void>
}

/** A row as the mirror's keys are compared with. */
export interface LedgerRow {
  readonly seq: number
  /** Absent where it has no stamp. */
  readonly archivedAt?: ReadTime | undefined
}

/** What Postgres says of one chain and its archive, at one moment. */
export interface LedgerState {
  /** The registry or the platform chain knows this Domain. */
  readonly known: boolean
  readonly mirrorUrl?: string | undefined
  /** 0 where there is no row. */
  readonly lastSeq: number
  /** The database's clock, microseconds since 1970; no stamp is ever older than its object. */
  readonly clock: bigint
  /** Of the oldest row without a stamp, by that clock; 0 where all have one. */
  readonly lagSeconds: number
}

/** The archive stamps of a chain's rows. */
export interface ArchiveLedger {
  state(domainId: string): Promise<LedgerState>
  /** The rows with a seq above `after` and at most `toSeq`, ascending, `limit` of them. */
  page(
    domainId: string,
    range: { after: number; toSeq: number; limit: number },
  ): Promise<readonly LedgerRow[]>
}
