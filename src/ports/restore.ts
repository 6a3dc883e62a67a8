import type { ChainedEntry, ChainHead } from '../chain/entry.js'

/** A row to restore, with its archive stamp. */
export interface RestoredRow {
  readonly entry: ChainedEntry
  readonly etag: string
}

/** The part of a Domain's registry entry that its chain records too. The name is on no chain. */
export interface RestoredDomain {
  readonly mirrorUrl?: string | undefined
  /** recorded_at of the row that created it, microseconds since 1970. */
  readonly createdAt: bigint
}

/** Where a chain is rebuilt. Until `finish` the chain has no head, so that nothing can be appended to it. */
export interface RestoreTarget {
  /** Returns the head of a chain; undefined where it has none. */
  headOf(domainId: string): Promise<ChainHead | undefined>
  /**
   * Runs `use` as the only restore of this chain. Rejects with `chain_exists` where the chain has a head, and with
   * `restore_running` where another restore of it runs. Rows without a head come from an interrupted restore and are kept.
   */
  restoring<T>(domainId: string, use: () => Promise<T>): Promise<T>
  /**
   * Records, for every verify to see, that this chain is being restored. Keeps an earlier record. Does nothing where the
   * chain has a head.
   */
  begin(domainId: string, mirrorUrl: string): Promise<void>
  /** Deletes that record where the chain has no row. */
  abandon(domainId: string): Promise<void>
  /**
   * Inserts rows, all or none, and keeps rows that are there. Durable when it resolves. Rejects with `chain_exists` where
   * another row has the seq of one of them.
   */
  insert(rows: readonly RestoredRow[]): Promise<void>
  /**
   * Writes the head of the chain and the registry entry of its Domain, and ends the restore: from here on the chain is
   * like any other. Rejects with `chain_exists` where the chain has a head by now, or rows beyond `head`.
   */
  finish(domainId: string, head: ChainHead, domain: RestoredDomain): Promise<void>
}
