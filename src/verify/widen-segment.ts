import { AuditError } from '../base/errors.js'
import type { Finding, FindingCode } from '../chain/finding.js'
import type { Verdict } from './verdict.js'
import type { VerifyRequest } from './verify-chain.js'

export interface Widened {
  readonly verdict: Verdict
  /** The last seq that was asked for; undefined: the end of the chain. */
  readonly to: number | undefined
}

type Verify = (from: number, to: number | undefined) => Promise<Widened>

/** Codes that concern the chain as a whole. Their findings do not change with the segment. */
const WHOLE_CHAIN_CODES: ReadonlySet<FindingCode> = new Set([
  'unexpected_head',
  'checkpoint_rollback',
  'checkpoint_conflict',
  'head_mismatch',
  'chain_missing',
  'chain_unknown',
])

/**
 * Verifies a segment. If a finding reaches the edge of the segment, widens the segment until the finding's whole range is
 * inside. Every verification then reports the same finding, and the quarantine gets one record of it.
 */
export async function verifyWidened(
  segment: { readonly from: number; readonly to: number | undefined },
  verify: Verify,
): Promise<Widened> {
  let { from, to } = segment
  for (let reach = 1_000; ; reach *= 16) {
    const verified = await verify(from, to)
    const wider = widened(verified.verdict.findings, from, verified.to, reach)
    if (wider === undefined) return verified
    from = wider.from
    to = wider.to
  }
}

/** Returns the wider segment to verify; undefined if no finding reaches the edge. */
export function widened(
  findings: readonly Finding[],
  from: number,
  to: number | undefined,
  reach: number,
): { readonly from: number; readonly to: number | undefined } | undefined {
  const ofRows = findings.filter(({ code }) => !WHOLE_CHAIN_CODES.has(code))
  const isBefore = from > 1 && ofRows.some(({ seqFrom }) => seqFrom <= from)
  const isBeyond = to !== undefined && ofRows.some(({ seqTo }) => seqTo >= to)
  if (!isBefore && !isBeyond) return undefined
  return {
    from: isBefore ? Math.max(from - reach, 1) : from,
    to: isBeyond ? to + reach : to,
  }
}

/**
 * Returns the findings as a verification of the whole chain reports them. Otherwise an acknowledged finding would return
 * as a new one for every other segment that is requested. Returns `found` if the wider segment cannot be verified.
 */
export async function widenedFindings(
  found: readonly Finding[],
  request: VerifyRequest,
  verify: (request: VerifyRequest) => Promise<Verdict>,
): Promise<readonly Finding[]> {
  const next = widened(found, request.fromSeq, request.toSeq, 1_000)
  if (next === undefined) return found
  const verifyTo = async (from: number, to: number | undefined): Promise<Widened> => ({
    verdict: await verify({ ...request, fromSeq: from, toSeq: to }),
    to,
  })
  // The wider segment may end after the end of the chain.
  const verifyThere: Verify = (from, to) =>
    verifyTo(from, to).catch((error: unknown) => {
      const isBeyond = error instanceof AuditError && error.code === 'nothing_to_verify'
      if (isBeyond && to !== undefined) return verifyTo(from, undefined)
      throw error
    })
  const { findings } = await verifyWidened(next, verifyThere).then(
    ({ verdict }) => verdict,
    () => ({ findings: found }),
  )
  return findings.length > 0 ? findings : found
}
