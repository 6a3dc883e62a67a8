import type { Finding } from '../../chain/finding.js'
import type { StatedHead, StatedHeads } from '../../ports/log/heads.js'
import type { EntrySource, Scan, ScanRequest } from '../../ports/verify.js'
import type { SeenSignatures } from '../verdict.js'
import { headsInRun } from './head-state.js'
import { type JudgedHeads, judgeHeads } from './judge-heads.js'
import { narrowHeads } from './narrow-heads.js'
import { seenSignatures } from './seen-signatures.js'

/** The segment that a run verifies, and the signed heads of its chain. */
export interface SignedRequest extends Pick<ScanRequest, 'domainId' | 'fromSeq' | 'toSeq' | 'now'> {
  readonly signed?: StatedHeads | undefined
}

/** What the scan of a segment showed before its signed heads were judged. */
export interface ScannedRows {
  readonly scan: Scan
  /** The findings of the rows and of the end of the chain. */
  readonly findings: readonly Finding[]
  /** The last row of the chain in the copies that were read. */
  readonly end: number
}

export interface JudgedSigned extends JudgedHeads {
  /** Absent where the run did not look for signed heads. */
  readonly signatures?: SeenSignatures | undefined
}

/** Returns the heads that a run compares with rows: those in the segment, and the one right before it. */
export function headsOf({ signed, fromSeq, toSeq }: SignedRequest): readonly StatedHead[] | undefined {
  return signed?.heads.filter(({ size }) => size >= fromSeq - 1 && size <= (toSeq ?? size))
}

/** Returns whether a known key signed rows of the segment after the end of the chain. */
export function isSignedBeyond(request: SignedRequest, end: number): boolean {
  return headsOf(request)?.some((head) => head.size > end && head.signer() !== undefined) ?? false
}

/** Judges the signed heads of a segment whose rows were compared with them. */
export async function judgeSigned(
  source: EntrySource,
  request: SignedRequest,
  { scan, findings, end }: ScannedRows,
  signal: AbortSignal,
): Promise<JudgedSigned> {
  const { signed, domainId, fromSeq, now } = request
  if (signed === undefined) return { findings: [], doubts: [] }
  const selected = headsInRun(headsOf(request) ?? [], scan, findings, end)
  const heads = await narrowHeads(selected, signed, source, { domainId, fromSeq, now }, signal)
  const isIntact = findings.length === 0
  // A chain without rows has a finding of its own, or a restore runs.
  const hasRows = end > 0
  const judged = hasRows
    ? judgeHeads(heads, { source: source.name, domainId, fromSeq, end, isIntact })
    : { findings: [], doubts: [] }
  return { ...judged, signatures: seenSignatures(signed, heads, scan) }
}

/** Returns the finding of a chain without rows with the size that was signed. */
export function withSignedSize(finding: Finding, signatures: SeenSignatures | undefined): Finding {
  const size = signatures?.newestSize
  if (finding.code !== 'chain_missing' || finding.rows !== 'none' || size === undefined) return finding
  return { ...finding, detail: `${finding.detail}; ${size} rows of it were signed` }
}
