import type { ReadTime } from '../base/wire-time.js'
import type { ChainHead } from '../chain/entry.js'
import type { FoldResult, StoredRow } from '../chain/fold.js'
import type { LastRow } from '../chain/head.js'

/** The copies that an installation keeps of its chains. */
export type CopyName = 'postgres' | 'mirror' | 'both'

/** Where a row came from. */
export type SourceName = CopyName | 'bundle'

/** What to read of a chain. */
export interface ScanRequest {
  readonly domainId: string
  readonly fromSeq: number
  readonly toSeq?: number | undefined
  readonly pins: readonly ChainHead[]
}

/** A restore that was begun and has not ended, by what is written down of it: whoever can forge a head can forge this. */
export interface Restoring {
  readonly since: ReadTime | undefined
  readonly mirrorUrl: string
}

/** What one source holds of one chain, all of one snapshot. */
export interface Scan {
  /** Whether the source's own registry, or the platform chain, knows this Domain. */
  readonly known: boolean
  readonly head?: ChainHead | undefined
  readonly last?: LastRow | undefined
  /** Only where there is no head: what has one is no longer being restored. */
  readonly restoring?: Restoring | undefined
  /** Where the longer copy ends; only where both copies were read. */
  readonly end?: number | undefined
  /** Rows without an archive stamp and without an object; only where both copies were read. */
  readonly unarchived?: number | undefined
  readonly fold: FoldResult
}

export interface ScanProgress {
  readonly rows: number
  /** Rows to come altogether, where known. */
  readonly total?: number | undefined
}

export interface EntrySource {
  readonly name: SourceName
  /** Whether it has the chain head apart from the rows, so that a cut tail shows by itself. */
  readonly keepsHead: boolean
  /**
   * Reads and folds the rows of one segment, and the row before it. Rejects when something could not be read: a
   * Scan that resolves has seen everything.
   */
  scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan>
}

/** One chain in Postgres at one moment, to be read beside the mirror. */
export interface RowSnapshot {
  readonly known: boolean
  readonly head?: ChainHead | undefined
  readonly last?: LastRow | undefined
  readonly restoring?: Restoring | undefined
  /** Ranges of seqs without an archive stamp, ascending: first, last, first, last. */
  readonly unstamped: ArrayLike<number>
  /** The rows of the segment and the one before it, ascending, in batches. To be read once. */
  rows(): AsyncIterable<readonly StoredRow[]>
  close(): Promise<void>
}

export interface SnapshotSource {
  snapshot(request: Omit<ScanRequest, 'pins'>, signal: AbortSignal): Promise<RowSnapshot>
  /** Which of these seqs have a row at this moment, whatever a snapshot says. */
  present(domainId: string, seqs: readonly number[]): Promise<ReadonlySet<number>>
}
