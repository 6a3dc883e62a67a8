import type { Finding, FindingCode } from '../../chain/finding.js'
import { AuditError } from '../../errors.js'
import type { EntrySource, KnownChains } from '../../ports.js'
import { type Verdict, verifyChain } from '../verify-chain.js'
import type { Segment } from './schedule.js'

export interface Verified {
  readonly verdict: Verdict
  /** Where the rows ended that were read; absent: at the end of the chain. */
  readonly to: number | undefined
}

/** What says something of the chain as a whole, and does not change with the segment it is found in. */
const NOT_OF_ROWS: ReadonlySet<FindingCode> = new Set(['unexpected_head', 'head_mismatch', 'chain_missing'])

/** Milliseconds without one row arriving after which a scan is given up. */
const PATIENCE = 60_000

/**
 * Verifies one segment of a chain with `end` rows. Where what it finds reaches to the edge of the segment it looks beyond
 * that edge, until it has the whole range: then a finding is the same one, and one record of the quarantine, whichever
 * verify finds it. Rejects as verifyChain does, and with `database_unavailable` where no row comes any more.
 */
export async function verifySegment(
  source: EntrySource,
  segment: Segment,
  { known, end }: { readonly known: KnownChains; readonly end: number },
  signal: AbortSignal,
): Promise<Verified> {
  const { domainId, pins } = segment
  let [from, to] = [segment.from, segment.to]
  for (let reach = 1_000; ; reach *= 16) {
    // What is told of the chain as a whole ends where the chain does.
    const request = { domainId, fromSeq: from, toSeq: to, pins, known: to === undefined ? known : undefined }
    const verdict = await patiently(signal, (progress, patience) =>
      verifyChain(source, request, progress, patience),
    )
    const wider = widened(verdict.findings, from, to, reach)
    if (wider === undefined) return { verdict, to }
    from = wider.from
    to = wider.to === undefined || wider.to >= end ? undefined : wider.to
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

type Scan<T> = (progress: () => void, signal: AbortSignal) => Promise<T>

/** A connection that has died without a word would keep the chain waiting for ever. */
async function patiently<T>(stop: AbortSignal, scan: Scan<T>): Promise<T> {
  const controller = new AbortController()
  const giveUp = () => controller.abort(new Error('no row came for too long'))
  const timer = setTimeout(giveUp, PATIENCE)
  try {
    return await scan(() => timer.refresh(), AbortSignal.any([stop, controller.signal]))
  } catch (error) {
    if (stop.aborted || !controller.signal.aborted) throw error
    throw new AuditError('database_unavailable', 'Postgres: no row came for too long', { cause: error })
  } finally {
    clearTimeout(timer)
  }
}
