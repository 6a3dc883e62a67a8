import type { AuditError } from '../base/errors.js'
import type { ChainHead } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import type { ClockAhead } from '../chain/row-time.js'
import type { Strays } from '../ports/mirror.js'
import type { RowlessStamps, SourceName } from '../ports/verify.js'

/**
 * What shows that no rows after the last verified row were removed. `head`: the head row of the same database agrees with
 * the last row; somebody who can write there can move both. `pinned`: the last verified row is a head from outside the source.
 */
export type EndProof = 'head' | 'pinned' | 'unproven'

/** A signed head that the rows of a run reproduce (tlog.md, section 8). */
export interface SignedThrough {
  readonly throughSeq: number
  /** The entry_hash of that row, 64 hex digits. */
  readonly entryHash: string
  /** What says that the key belongs to the log: a policy, log.vkey in the home, or only the rows of the log itself. */
  readonly by: 'policy' | 'home' | 'log'
  /** 8 hex digits. */
  readonly keyId: string
  /** The log name in the origin of the key, such as `audit.example.com`. */
  readonly logName: string
  /** The row of the platform chain with this head; absent where the head comes from somewhere else. */
  readonly platformSeq?: number | undefined
  /** The rows of the run after throughSeq. */
  readonly rowsBeyond: number
  /** recorded_at of the first of these rows, in microseconds since 1970; absent where there is none or it cannot be read. */
  readonly beyondSince?: bigint | undefined
}

/** What a run that looked for signed heads of a chain saw. */
export interface SeenSignatures {
  /** The newest head that a known key signed and that holds; absent where there is none. */
  readonly through?: SignedThrough | undefined
  /** The size of the newest head that a known key signed, whether or not the rows of the run reach it. */
  readonly newestSize?: number | undefined
  /** How many checkpoints of this chain unknown keys alone signed, by key id. */
  readonly unknownKeys: ReadonlyMap<string, number>
  /** How many rows have a relation of signed rows and are not the log's own, by relation. */
  readonly foreignRows: ReadonlyMap<string, number>
  /** How many objects below `tlog/` are no checkpoints of this chain; absent where no mirror was read. */
  readonly foreignObjects?: number | undefined
}

/** The outcome of one verification of one segment of one chain. */
export interface Verdict {
  /** Whether the segment is intact. */
  readonly ok: boolean
  readonly domainId: string
  readonly source: SourceName
  /** The URL of the mirror that was read; absent where none was. */
  readonly mirror?: string | undefined
  readonly segmentFrom: number
  readonly segmentTo: number
  /** The last row that was asked for. Absent: the chain was read to its end. */
  readonly toSeq?: number | undefined
  /** False where a filter left out rows of the segment, as in a bundle of selected rows. */
  readonly complete?: boolean | undefined
  /** Rows that were read. */
  readonly rows: number
  /** Rows that the mirror does not have yet: a count, not a finding. Only if both copies were read. */
  readonly unarchived?: number | undefined
  /** The last seq up to which every row has an archive stamp. Only if PostgreSQL was read. */
  readonly archivedThrough?: number | undefined
  /** Archive stamps that name no row. Only if PostgreSQL was read, and has any. */
  readonly rowlessStamps?: RowlessStamps | undefined
  /** Names in the mirror that are no part of the chain. */
  readonly strays?: Strays | undefined
  /**
   * The last row of the segment as stored; seq 0 and no hash but zeros where it has none that can be read. If `ok`, a later
   * verification can pin this row.
   */
  readonly head: ChainHead
  /** What shows that the segment ends where the chain does. */
  readonly end: EndProof
  /** The seq of the newest head from outside the source that the segment contains. Absent where none was given. */
  readonly pinnedThrough?: number | undefined
  /** When the first and the last row that recompute were recorded; microseconds since 1970-01-01T00:00:00Z. */
  readonly firstRecordedAt?: bigint | undefined
  readonly lastRecordedAt?: bigint | undefined
  readonly findings: readonly Finding[]
  /**
   * What could not be checked besides the findings: each is an error of exit code 3. A verdict without findings has none,
   * because such a verification rejects instead.
   */
  readonly doubts: readonly AuditError[]
  /** The indexes of filters that could not be counted, because PostgreSQL prefers another index. */
  readonly uncounted?: readonly string[] | undefined
  /** The rows of the segment that are ahead of the clock. They are no finding, and later rows get their time. */
  readonly clockAhead?: ClockAhead | undefined
  /** Absent where the run did not look for signed heads. */
  readonly signatures?: SeenSignatures | undefined
  readonly durationMs: number
}
