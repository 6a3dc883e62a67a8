import type { ChainHead } from '../chain/entry.js'
import type { RowTaker } from '../chain/fast-path.js'
import type { LastRow } from '../chain/head.js'
import type { Reason } from '../chain/reason.js'
import type { EntryFilter } from './query.js'

/**
 * Which rows to export. The manifest of a bundle has room for one reason. `unknown` covers several stored values that a bundle
 * cannot distinguish, so that it selects no export.
 */
export interface ExportFilter extends Omit<EntryFilter, 'from' | 'to' | 'reasons'> {
  readonly reason?: Reason | undefined
}

/** The rows to export: a range of seqs or of times, and within it the rows that match the filter. */
export interface ExportRequest {
  readonly domainId: string
  /** Default: the first row. */
  readonly fromSeq?: number | undefined
  /** Default: the last row. */
  readonly toSeq?: number | undefined
  /** Bounds on recorded_at, inclusive, microseconds since 1970. Not together with seqs. */
  readonly from?: bigint | undefined
  readonly to?: bigint | undefined
  /** An empty filter matches every row. */
  readonly filter: ExportFilter
  /** Whether rows are found by the primary key alone, and by no index of a filter. Default: false. */
  readonly byKey?: boolean | undefined
}

/** One chain at one moment, for an export. */
export interface ExportSnapshot {
  /** Whether the registry or the platform chain knows this Domain. */
  readonly known: boolean
  readonly head?: ChainHead | undefined
  readonly last?: LastRow | undefined
  /** The bounds, resolved to seqs. `toSeq` is absent where the range goes on to the end of the chain. */
  readonly fromSeq: number
  readonly toSeq?: number | undefined
  /**
   * Passes the rows of the range to `receiver`, ascending. Without a filter it also passes the row before the range, whose
   * hash the first row links to. Call it once. Rejects with the error that `receiver` throws.
   */
  read(receiver: RowReceiver): Promise<void>
  close(): Promise<void>
}

/** Receives rows. A row and its bytes are valid only until the call returns. */
export interface RowReceiver extends RowTaker {
  /** Called every few dozen rows. If it returns a promise, the next rows wait until the promise resolves. */
  flow(): Promise<void> | undefined
}

export interface ExportStore {
  /** Opens a snapshot. Rejects with `nothing_to_verify` where a time range holds no row. */
  open(request: ExportRequest, signal: AbortSignal): Promise<ExportSnapshot>
}
