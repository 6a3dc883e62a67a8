import type { ChainHead } from '../chain/entry.js'
import type { SourceName } from '../ports/verify.js'
import type { Verdict } from '../verify/verdict.js'
import { type WireFinding, wireFinding } from './finding.js'

/** A verify result as it is printed and sent. `--expect-heads` reads a file of saved results, one per line. */
export interface VerifyResult {
  readonly ok: boolean
  readonly domain_id: string
  readonly source: SourceName
  readonly segment_from: number
  readonly segment_to: number
  /** Rows that were read. */
  readonly rows: number
  /** Rows that the mirror does not have yet: a count, not a finding. Only if both copies were read. */
  readonly unarchived?: number
  /** The last row of the segment as stored. If `ok`, a later verification can pin this row. */
  readonly head: ChainHead
  readonly findings: readonly WireFinding[]
  readonly divergent_seq?: number
  readonly expected_hash?: string
  readonly observed_hash?: string
  readonly stats: { readonly duration_ms: number; readonly rows_per_second: number }
}

/** Returns the printed form of a verdict. */
export function verifyResult(verdict: Verdict): VerifyResult {
  const { ok, domainId, source, segmentFrom, segmentTo, rows, unarchived, head, durationMs } = verdict
  const findings = verdict.findings.map(wireFinding)
  return {
    ok,
    domain_id: domainId,
    source,
    segment_from: segmentFrom,
    segment_to: segmentTo,
    rows,
    ...(unarchived !== undefined && { unarchived }),
    head,
    ...divergence(findings),
    findings,
    stats: {
      duration_ms: Math.round(durationMs),
      rows_per_second: Math.round((rows * 1000) / Math.max(durationMs, 1)),
    },
  }
}

/** Repeats the first finding's place and hashes at the top, where clients of the HTTP contract read them. */
function divergence([first]: readonly WireFinding[]): Partial<VerifyResult> {
  if (first === undefined) return {}
  return {
    divergent_seq: first.seq_from,
    ...(first.expected !== undefined && { expected_hash: first.expected }),
    ...(first.observed !== undefined && { observed_hash: first.observed }),
  }
}
