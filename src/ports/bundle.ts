import type { ChainHead } from '../chain/entry.js'
import type { RowTaker } from '../chain/fast-path.js'
import type { LastRow } from '../chain/head.js'
import type { EntryFilter } from './query.js'

/** What to take out of a chain: a range of seqs, or one of times, and of those the rows that the filter lets through. */
export interface ExportRequest {
  readonly domainId: string
  /** Default: the first row, and the last. */
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
  /** On recorded_at, inclusive, microseconds since 1970. Not together with seqs. */
  readonly from?: bigint | undefined
  readonly to?: bigint | undefined
  /** Without times of its own. Empty: every row. */
  readonly filter: Omit<EntryFilter, 'from' | 'to'>
}

/** One chain at one moment, to be written to a file. */
export interface ExportSnapshot {
  /** Whether the registry, or the platform chain, knows this Domain. */
  readonly known: boolean
  readonly head?: ChainHead | undefined
  readonly last?: LastRow | undefined
  /** The bounds, with times resolved. `toSeq` is absent where the range goes on to the end of the chain. */
  readonly fromSeq: number
  readonly toSeq?: number | undefined
  /**
   * Gives the rows of the range to `reader`, ascending; without a filter also the row before it. To be called once.
   * Rejects with whatever `reader` throws.
   */
  read(reader: RowReader): Promise<void>
  close(): Promise<void>
}

/** A row and its bytes are only there until the call returns. */
export interface RowReader extends RowTaker {
  /** Asked every few dozen rows: a promise holds the rest back until it resolves. */
  flow(): Promise<void> | undefined
}

export interface ExportStore {
  /** Rejects with `nothing_to_verify` where a time range holds no row. */
  open(request: ExportRequest, signal: AbortSignal): Promise<ExportSnapshot>
}
