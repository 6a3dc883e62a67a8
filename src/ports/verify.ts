import type { ReadTime } from '../base/wire-time.js'
import type { ChainHead } from '../chain/entry.js'
import type { FoldResult, StoredRow } from '../chain/fold.js'
import type { LastRow } from '../chain/head.js'

/** The copies that an installation keeps of its chains. */
export type CopyName = 'postgres' | 'mirror' | 'both'

/** Where rows are read from. */
export type SourceName = CopyName | 'bundle'

/** What to read of a chain. */
export interface ScanRequest {
  readonly domainId: string
  readonly fromSeq: number
  readonly toSeq?: number | undefined
  readonly pins: readonly ChainHead[]
}

/** The mark of a restore that has begun and not ended. An attacker who can forge a head can forge this mark. */
export interface Restoring {
  readonly since: ReadTime | undefined
  readonly mirrorUrl: string
}

/** What one source holds of one chain, read in one snapshot. */
export interface Scan {
  /** Whether the source's own registry or the platform chain knows this Domain. */
  readonly known: boolean
  readonly head?: ChainHead | undefined
  readonly last?: LastRow | undefined
  /** Only without a head: a chain that has a head is no longer being restored. */
  readonly restoring?: Restoring | undefined
  /** The end of the longer copy, if both copies were read. */
  readonly end?: number | undefined
  /** Rows without an archive stamp and without an object, if both copies were read. */
  readonly unarchived?: number | undefined
  readonly fold: FoldResult
}

export interface ScanProgress {
  readonly rows: number
  /** Number of rows in all, if known. */
  readonly total?: number | undefined
}

export interface EntrySource {
  readonly name: SourceName
  /** Whether the source keeps the chain head apart from the rows, so that a removed tail shows without a pin. */
  readonly keepsHead: boolean
  /**
   * Reads and folds the rows of one segment, and the row before it. Rejects when something cannot be read, so a scan that
   * resolves has read everything.
   */
  scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan>
}

/** A snapshot of one chain in PostgreSQL, to be compared with the mirror. */
export interface RowSnapshot {
  readonly known: boolean
  readonly head?: ChainHead | undefined
  readonly last?: LastRow | undefined
  readonly restoring?: Restoring | undefined
  /** Ranges of seqs without an archive stamp, ascending: first, last, first, last. */
  readonly unstamped: ArrayLike<number>
  /** Yields the rows of the segment and the row before it, ascending, in batches. Can be read once. */
  rows(): AsyncIterable<readonly StoredRow[]>
  close(): Promise<void>
}

export interface SnapshotSource {
  snapshot(request: Omit<ScanRequest, 'pins'>, signal: AbortSignal): Promise<RowSnapshot>
  /** Returns which of these seqs have a row now, outside any snapshot. */
  present(domainId: string, seqs: readonly number[]): Promise<ReadonlySet<number>>
}
