import type { ChainHead } from '../chain/entry.js'
import type { Finding, FindingCode } from '../chain/finding.js'
import type { SourceName } from '../ports/verify.js'

/** A finding as it is printed and sent; hashes are 64 hex digits or absent. */
export interface WireFinding {
  readonly code: FindingCode
  readonly seq_from: number
  readonly seq_to: number
  readonly expected?: string
  readonly observed?: string
  readonly detail: string
}

/** "A verify result" of cli.md. Saved to a file, a line each, these are what `--expect-heads` takes. */
export interface VerifyResult {
  readonly ok: boolean
  readonly domain_id: string
  readonly source: SourceName
  readonly segment_from: number
  readonly segment_to: number
  /** Rows that were read. */
  readonly rows: number
  /** Rows that the mirror does not have yet: a count, not a finding. Only where both copies were read. */
  readonly unarchived?: number
  /** The last row of the segment as stored: what this run vouches for when it is ok. */
  readonly head: ChainHead
  readonly findings: readonly WireFinding[]
  readonly divergent_seq?: number
  readonly expected_hash?: string
  readonly observed_hash?: string
  readonly stats: { readonly duration_ms: number; readonly rows_per_second: number }
}

export function wireFinding(finding: Finding): WireFinding {
  const { code, seqFrom, seqTo, expected, observed, detail } = finding
  return {
    code,
    seq_from: seqFrom,
    seq_to: seqTo,
    ...(isPrintable(expected) && { expected }),
    ...(isPrintable(observed) && { observed }),
    detail,
  }
}

/** The first finding's place and hashes, as the clients of the HTTP contract read them. */
export function divergence(findings: readonly WireFinding[]): Partial<VerifyResult> {
  const [first] = findings
  if (first === undefined) return {}
  return {
    divergent_seq: first.seq_from,
    ...(first.expected !== undefined && { expected_hash: first.expected }),
    ...(first.observed !== undefined && { observed_hash: first.observed }),
  }
}

/** A hash that a hostile hand made longer or shorter is left out rather than printed. */
function isPrintable(hash: string | undefined): hash is string {
  return hash !== undefined && /^[0-9a-f]{64}$/.test(hash)
}
