import type { ChainedEntry, ChainHead } from '../chain/entry.js'

/** A row to be put back where it was, with its archive stamp. */
export interface RestoredRow {
  readonly entry: ChainedEntry
  readonly etag: string
}

/** Where a chain is rebuilt. Until `finish`, no append can reach it: it has no head. */
export interface RestoreTarget {
  /**
   * Runs `use` as the only restore of this chain. Rejects with `chain_exists` where it has a head, or another restore
   * is at it. Rows without a head are what an interrupted restore left, and are kept.
   */
  restoring<T>(domainId: string, use: () => Promise<T>): Promise<T>
  /**
   * Puts rows in, all or none; those that are there stay. Durable when it resolves. Rejects with `chain_exists` where
   * another row has the place of one.
   */
  insert(rows: readonly RestoredRow[]): Promise<void>
  /**
   * Gives the chain its head, and a Domain its registry entry: from here on it is a chain like any other. Rejects with
   * `chain_exists` where somebody else gave it one, or where rows lie beyond it.
   */
  finish(domainId: string, head: ChainHead, mirrorUrl: string | undefined): Promise<void>
}
