import type { ChainedEntry, ChainHead } from '../chain/entry.js'
import type { AppendItem } from './append.js'

/** A row to restore, with its archive stamp; without one where the archiver is to copy it to another mirror. */
export interface RestoredRow {
  readonly entry: ChainedEntry
  readonly etag?: string | undefined
}

/** The part of a Domain's registry entry that its genesis row records too. */
export interface RestoredDomain {
  /** Absent where the genesis row records none. A row of the platform chain may record a newer name. */
  readonly name?: string | undefined
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
  /** Returns whether the platform chain is here, whole, and does not record that this Domain was created. */
  lacksCreation(domainId: string): Promise<boolean>
  /**
   * Writes the head of the chain and the registry entry of its Domain, with the name that the rows record, and ends the
   * restore: from here on the chain is like any other. After the platform chain, Domains that were restored before it get
   * the names that it records. Rejects with `chain_exists` where the chain has a head by now, or rows beyond `head`.
   * `creation` is appended to the platform chain in the same transaction where that lacks the creation of the Domain.
   */
  finish(domainId: string, head: ChainHead, domain: RestoredDomain, creation?: AppendItem): Promise<void>
}
