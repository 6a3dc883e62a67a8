import type { Verdict } from '../verdict.js'
import { type Axes, type AxesContext, type Axis, not, PROVEN } from './axis.js'
import { witnessAxes } from './witness-axes.js'

/** Returns which properties of the chain of a verdict are proven. */
export function axesOf(verdict: Verdict, context: AxesContext): Axes {
  const complete = completeAxis(verdict)
  return {
    internal: verdict.ok
      ? PROVEN
      : not(verdict.findings.length > 0 ? 'there are findings' : 'not every row was read'),
    copies: copiesAxis(verdict),
    complete,
    signed: signedAxis(verdict, complete),
    ...witnessAxes(verdict, context),
  }
}

function copiesAxis({ source, doubts, ok }: Verdict): Axis {
  if (source !== 'both') return not(source === 'bundle' ? 'one file was read' : 'one copy was read')
  return ok && doubts.length === 0 ? PROVEN : not('the copies are not known to be the same')
}

function completeAxis(verdict: Verdict): Axis {
  const { signatures, segmentFrom, segmentTo, head, ok } = verdict
  const newest = signatures?.newestSize
  if (newest === undefined) return not('no signed head says how long the chain is')
  if (verdict.complete === false) return not('a filter left out rows')
  if (segmentFrom > 1) return not(`rows 1 to ${segmentFrom - 1} were not read`)
  const last = Math.min(head.seq, segmentTo)
  if (last < newest) return not(`row ${newest} is signed, and the run ends with row ${last}`)
  return ok ? PROVEN : not('there are findings, or rows are missing')
}

function signedAxis({ signatures }: Verdict, complete: Axis): Axis {
  const through = signatures?.through
  if (through === undefined) return not('no signed head of a known key')
  if (through.by === 'log') return not(`only the log itself vouches for its key ${through.keyId}`)
  if (!complete.isProven) return complete
  const { newestSize = 0 } = signatures ?? {}
  return through.throughSeq >= newestSize
    ? PROVEN
    : not(`the newest signed head, row ${newestSize}, was not judged`)
}
