import type { ChainHead } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import type { SourceName } from '../ports/verify.js'

/** The outcome of one verification of one segment of one chain. */
export interface Verdict {
  /** Whether the segment is intact. */
  readonly ok: boolean
  readonly domainId: string
  readonly source: SourceName
  readonly segmentFrom: number
  readonly segmentTo: number
  /** Rows that were read. */
  readonly rows: number
  /** Rows that the mirror does not have yet: a count, not a finding. Only if both copies were read. */
  readonly unarchived?: number | undefined
  /** The last row of the segment as stored. If `ok`, a later verification can pin this row. */
  readonly head: ChainHead
  readonly findings: readonly Finding[]
  readonly durationMs: number
}
