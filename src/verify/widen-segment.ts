import { AuditError } from '../base/errors.js'
import type { Finding, FindingCode } from '../chain/finding.js'
import type { Verdict } from './verdict.js'
import type { VerifyRequest } from './verify-chain.js'

/** A verdict, and where the rows ended that it is about; absent: at the end of the chain. */
export interface Widened {
  readonly verdict: Verdict
  readonly to: number | undefined
}

type Verify = (from: number, to: number | undefined) => Promise<Widened>

/** What says something of the chain as a whole, and does not change with the segment it is found in. */
const NOT_OF_ROWS: ReadonlySet<FindingCode> = new Set(['unexpected_head', 'head_mismatch', 'chain_missing'])

/**
 * Verifies a segment and, where what it finds reaches to the edge of the segment, looks beyond that edge until it has the
 * whole range: then a finding is the same one, and one record of the quarantine, whichever verify finds it.
 */
export async function verifyWhole(
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

/** The segment to look at instead; undefined where no finding reaches beyond this one. */
export function widened(
  findings: readonly Finding[],
  from: number,
  to: number | undefined,
  reach: number,
): { readonly from: number; readonly to: number | undefined } | undefined {
  const ofRows = findings.filter(({ code }) => !NOT_OF_ROWS.has(code))
  const isBefore = from > 1 && ofRows.some(({ seqFrom }) => seqFrom <= from)
  const isBeyond = to !== undefined && ofRows.some(({ seqTo }) => seqTo >= to)
  if (!isBefore && !isBeyond) return undefined
  return {
    from: isBefore ? Math.max(from - reach, 1) : from,
    to: isBeyond ? to + reach : to,
  }
}

/**
 * What a verify of the whole chain would say of the damage that one of a segment found: an acknowledged finding would else
 * come back as a new one for every other segment that somebody asks for. Where that cannot be found out, what was found.
 */
export async function wholeFindings(
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
  // The chain may end before the wider segment does.
  const verifyThere: Verify = (from, to) =>
    verifyTo(from, to).catch((error: unknown) => {
      const isBeyond = error instanceof AuditError && error.code === 'nothing_to_verify'
      if (isBeyond && to !== undefined) return verifyTo(from, undefined)
      throw error
    })
  const { findings } = await verifyWhole(next, verifyThere).then(
    ({ verdict }) => verdict,
    () => ({ findings: found }),
  )
  return findings.length > 0 ? findings : found
}
