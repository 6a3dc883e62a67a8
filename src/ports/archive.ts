import type { ChainHead } from '../chain/entry.js'
import type { StoredRow } from '../chain/fold.js'
import type { LastRow } from '../chain/head.js'
import type { ReadTime } from './read.js'

/** A chain that has rows without an archive stamp. */
export interface WaitingChain {
  readonly domainId: string
  /** The mirror that its Domain names; absent: the default. */
  readonly mirrorUrl?: string | undefined
  /** Of its last row, stamped or not. */
  readonly lastSeq: number
}

/** Rows of one snapshot, with those that their links are judged by. */
export interface RowWindow {
  /** Ascending; the row before `fromSeq` and the one after `toSeq` are among them where they exist. */
  readonly rows: readonly StoredRow[]
  readonly head?: ChainHead | undefined
  /** The last row of the chain, which may lie beyond the window. */
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
  /** The seqs without a stamp above `after`, ascending. */
  unstamped(domainId: string, after: number, limit: number): Promise<readonly number[]>
  window(domainId: string, fromSeq: number, toSeq: number): Promise<RowWindow>
  /** Stamps rows that have none; resolves with how many it stamped, durably. */
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
