import type { AuditError } from '../base/errors.js'
import type { ReadTime } from '../base/wire-time.js'
import type { ChainHead, PinnedHead } from '../chain/entry.js'
import type { RowTaker } from '../chain/fast-path.js'
import type { FoldResult, StoredRow } from '../chain/fold.js'
import type { LastRow } from '../chain/head.js'
import type { SeenHead } from '../chain/log/signed-heads.js'
import type { Strays } from './mirror.js'

/** The copies that an installation keeps of its chains. */
export type CopyName = 'postgres' | 'mirror' | 'both'

/** Where rows are read from. */
export type SourceName = CopyName | 'bundle'

/** What to read of a chain. */
export interface ScanRequest {
  readonly domainId: string
  readonly fromSeq: number
  readonly toSeq?: number | undefined
  readonly pins: readonly PinnedHead[]
  /** Signed heads in the segment or right before it. Rows are compared with them, and nothing else depends on them. */
  readonly heads?: readonly ChainHead[] | undefined
  /** The clock of this machine, in microseconds since 1970. A source with a database compares with the database's clock. */
  readonly now?: bigint | undefined
  /**
   * Receives every row that the scan judges, and the row before the segment, in the order in which they are judged. Where
   * both copies are read, it receives the row of PostgreSQL, or that of the mirror where PostgreSQL has none. It must not
   * throw, and judges nothing.
   */
  readonly observer?: RowObserver | undefined
  /**
   * Whether PostgreSQL alone is asked how far the chain is archived, which reads every stamp of the chain, however short the segment
   * is. A comparison with the mirror always asks. Default: true.
   */
  readonly readsArchive?: boolean | undefined
}

/** Receives the rows of a scan beside the fold. */
export interface RowObserver extends RowTaker {
  /** Forgets every row, because another source reads the chain from its begin. */
  restart(): void
}

/** The mark of a restore that has begun and not ended. An attacker who can forge a head can forge this mark. */
export interface Restoring {
  readonly since: ReadTime | undefined
  readonly mirrorUrl: string
}

/** Archive stamps that name no row of a chain. No program deletes a row, so each was forged or has lost its row. */
export interface RowlessStamps {
  readonly count: number
  /** The first of them: at most ten. */
  readonly firstSeqs: readonly number[]
}

/** A chain that no table but that of the archive stamps names. */
export interface RowlessChain {
  readonly domainId: string
  readonly stamps: RowlessStamps
}

/** How far PostgreSQL says that a chain is archived. */
export interface ArchiveState {
  /** The last seq up to which every row has an archive stamp; 0 where the first has none. */
  readonly through: number
  /**
   * Every row below this seq was stamped before this seq was: programs stamp in order of seq since the mirror's id was
   * recorded. 0 where no row above `through` was stamped since, and where the mirror is not read.
   */
  readonly inOrderBelow: number
  /** The first row of the segment that is not archived. */
  readonly waiting?: { readonly seq: number; readonly recordedAt: bigint } | undefined
  /** The stamps of the segment that name no row. They prove nothing, so they are no finding. */
  readonly rowless?: RowlessStamps | undefined
}

/** What the indexes that lists read by have of one chain, counted in the snapshot of a scan. */
export interface IndexCheck {
  /** Reasons why a list may not show every row of the chain. */
  readonly doubts: readonly AuditError[]
  /** The indexes that could not be counted, because PostgreSQL prefers another index. Nothing is known of them. */
  readonly uncounted: readonly string[]
}

/** What one source holds of one chain, read in one snapshot. */
export interface Scan {
  /** Whether the source's own registry or the platform chain knows this Domain. */
  readonly known: boolean
  readonly head?: ChainHead | undefined
  readonly last?: LastRow | undefined
  /** Only without a head: a chain that has a head is no longer being restored. */
  readonly restoring?: Restoring | undefined
  /** Whether PostgreSQL is a standby, which may not have replayed the last rows of its primary. */
  readonly isStandby?: boolean | undefined
  /** The end of the longer copy, if both copies were read. */
  readonly end?: number | undefined
  /** Rows without an archive stamp and without an object, if both copies were read. */
  readonly unarchived?: number | undefined
  /** Only if PostgreSQL was read, and asked for it. */
  readonly archive?: ArchiveState | undefined
  /** The database's clock, in microseconds since 1970, if PostgreSQL was read. */
  readonly clock?: bigint | undefined
  readonly fold: FoldResult
  /** The signed heads as the mirror's rows show them, if both copies were read: `fold` has those of PostgreSQL. */
  readonly mirrorHeads?: readonly SeenHead[] | undefined
  /** Names in the mirror that are no part of the chain. */
  readonly strays?: Strays | undefined
  /** Whether the scan broke off. Only the rows before the break are judged, and the last doubt says why it broke off. */
  readonly isCut?: boolean | undefined
  /** Reasons why this scan cannot prove the segment intact, although it read what it could. Each is an error of exit code 3. */
  readonly doubts?: readonly AuditError[] | undefined
  /** The indexes of filters that were to be counted, and could not be. */
  readonly uncounted?: readonly string[] | undefined
}

export interface ScanProgress {
  readonly rows: number
  /** Number of rows in all, if known. */
  readonly total?: number | undefined
}

export interface EntrySource {
  readonly name: SourceName
  /** The URL of the mirror that it reads, without credentials; absent where it reads none. */
  readonly mirror?: string | undefined
  /** Whether the source keeps the chain head apart from the rows, so that a removed tail shows without a pin. */
  readonly keepsHead: boolean
  /**
   * Reads and folds the rows of one segment, and the row before it. Rejects when something cannot be read, except that a
   * scan which has found something before resolves with `isCut`. Any other scan that resolves has read everything.
   */
  scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan>
}

/** A snapshot of one chain in PostgreSQL, to be compared with the mirror. */
export interface RowSnapshot {
  readonly known: boolean
  readonly head?: ChainHead | undefined
  readonly last?: LastRow | undefined
  readonly restoring?: Restoring | undefined
  readonly isStandby?: boolean | undefined
  /** The database's clock, in microseconds since 1970. */
  readonly clock?: bigint | undefined
  /** Ranges of seqs without an archive stamp, ascending: first, last, first, last. */
  readonly unstamped: ArrayLike<number>
  readonly archive: ArchiveState
  /** Yields the rows of the segment and the row before it, ascending, in batches. Can be read once. */
  rows(): AsyncIterable<readonly StoredRow[]>
  /** Counts the whole chain in the indexes of filters; undefined if that was not asked for. Call it after `rows`. */
  checkIndexes(): Promise<IndexCheck | undefined>
  close(): Promise<void>
}

export interface SnapshotSource {
  snapshot(request: Omit<ScanRequest, 'pins'>, signal: AbortSignal): Promise<RowSnapshot>
  /** Returns which of these seqs have a row now, outside any snapshot. */
  present(domainId: string, seqs: readonly number[]): Promise<ReadonlySet<number>>
}
