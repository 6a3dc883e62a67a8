import type { ChainedEntry, ChainHead } from '../chain/entry.js'

/** A row to be put back where it was, with its archive stamp. */
export interface RestoredRow {
  readonly entry: ChainedEntry
  readonly etag: string
}

/** What the registry says of a Domain, as far as its chain says it too. A name is on no chain. */
export interface RestoredDomain {
  readonly mirrorUrl?: string | undefined
  /** recorded_at of the row that created it, microseconds since 1970. */
  readonly createdAt: bigint
}

/** Where a chain is rebuilt. Until `finish`, no append can reach it: it has no head. */
export interface RestoreTarget {
  /** The head of a chain that is there. */
  headOf(domainId: string): Promise<ChainHead | undefined>
  /**
   * Runs `use` as the only restore of this chain. Rejects with `chain_exists` where it has a head, and with
   * `restore_running` where another restore is at it. Rows without a head are what an interrupted restore left, and are
   * kept.
   */
  restoring<T>(domainId: string, use: () => Promise<T>): Promise<T>
  /**
   * Writes down that this chain is being restored, for every verify to see; what was written down before stays. Nothing
   * where the chain has a head.
   */
  begin(domainId: string, mirrorUrl: string): Promise<void>
  /** Takes that back where no row of the chain was put in. */
  abandon(domainId: string): Promise<void>
  /**
   * Puts rows in, all or none; those that are there stay. Durable when it resolves. Rejects with `chain_exists` where
   * another row has the place of one.
   */
  insert(rows: readonly RestoredRow[]): Promise<void>
  /**
   * Gives the chain its head, and a Domain its registry entry, and the restore is over: from here on it is a chain like
   * any other. Rejects with `chain_exists` where somebody else gave it one, or where rows lie beyond it.
   */
  finish(domainId: string, head: ChainHead, domain: RestoredDomain): Promise<void>
}
