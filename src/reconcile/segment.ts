import { AuditError } from '../base/errors.js'
import type { KnownChains } from '../ports/domains.js'
import type { EntrySource } from '../ports/verify.js'
import { verifyChain } from '../verify/verify-chain.js'
import { verifyWhole, type Widened } from '../verify/widen-segment.js'
import type { Segment } from './schedule.js'

/** Milliseconds without one row arriving after which a scan is given up. */
const PATIENCE = 60_000

/**
 * Verifies one segment of a chain with `end` rows, and beyond it where damage reaches to its edge. Rejects as verifyChain
 * does, and with `database_unavailable` where no row comes any more.
 */
export function verifySegment(
  source: EntrySource,
  { domainId, from: begin, to: last, pins }: Segment,
  { known, end }: { readonly known: KnownChains; readonly end: number },
  signal: AbortSignal,
): Promise<Widened> {
  return verifyWhole({ from: begin, to: last }, async (from, wanted) => {
    const to = wanted === undefined || (wanted !== last && wanted >= end) ? undefined : wanted
    // What is told of the chain as a whole ends where the chain does.
    const request = { domainId, fromSeq: from, toSeq: to, pins, known: to === undefined ? known : undefined }
    const verdict = await patiently(signal, (progress, patience) =>
      verifyChain(source, request, progress, patience),
    )
    return { verdict, to }
  })
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
