import { AuditError } from '../base/errors.js'
import type { KnownChains } from '../ports/domains.js'
import type { HeadsOf } from '../ports/log/heads.js'
import type { EntrySource } from '../ports/verify.js'
import { verifyChain } from '../verify/verify-chain.js'
import { verifyWidened, type Widened } from '../verify/widen-segment.js'
import type { Segment } from './schedule.js'

/** A scan times out after this many milliseconds without a row. */
const TIMEOUT = 60_000

/** What is known of all chains, and of the chain of a segment. */
interface SegmentContext {
  readonly known: KnownChains
  /** The rows of the chain. */
  readonly end: number
  /** Reads the signed heads. Absent: no head is looked for. */
  readonly headsOf?: HeadsOf | undefined
}

/**
 * Verifies one segment of a chain with `end` rows, and more rows if damage reaches the edge of the segment. Rejects as
 * verifyChain does, and with `database_unavailable` if the scan times out.
 */
export function verifySegment(
  source: EntrySource,
  { domainId, from: begin, to: last, pins }: Segment,
  { known, end, headsOf }: SegmentContext,
  signal: AbortSignal,
): Promise<Widened> {
  return verifyWidened({ from: begin, to: last }, async (from, wanted) => {
    const to = wanted === undefined || (wanted !== last && wanted >= end) ? undefined : wanted
    const signed = await headsOf?.(domainId, signal)
    const request = {
      domainId,
      fromSeq: from,
      toSeq: to,
      pins,
      // Only a segment up to the end of the chain can be checked against the other chains.
      known: to === undefined ? known : undefined,
      signed,
      // No finding depends on stamps.
      readsArchive: false,
    }
    const verdict = await withTimeout(signal, (progress, timeout) =>
      verifyChain(source, request, progress, timeout),
    )
    return { verdict, to }
  })
}

type Scan<T> = (progress: () => void, signal: AbortSignal) => Promise<T>

/** Aborts a scan that times out: a connection that died silently would block the chain for ever. */
async function withTimeout<T>(stop: AbortSignal, scan: Scan<T>): Promise<T> {
  const controller = new AbortController()
  const giveUp = () => controller.abort(new Error('no row came for too long'))
  const timer = setTimeout(giveUp, TIMEOUT)
  try {
    return await scan(() => timer.refresh(), AbortSignal.any([stop, controller.signal]))
  } catch (error) {
    if (stop.aborted || !controller.signal.aborted) throw error
    throw new AuditError('database_unavailable', 'Postgres: no row came for too long', { cause: error })
  } finally {
    clearTimeout(timer)
  }
}
