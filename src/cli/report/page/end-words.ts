import type { EndProof, Verdict } from '../../../verify/verdict.js'

/**
 * What the check shows of the end of a chain. `unread`: the check was asked to end earlier. `outside`: the file of a bundle holds
 * a range only. `removed`: a head from outside is a row beyond the last one. The others are those of the verdict.
 */
export type ShownEnd = EndProof | 'unread' | 'outside' | 'removed'

export function shownEnd({ source, toSeq, end, segmentTo, findings }: Verdict): ShownEnd {
  if (toSeq !== undefined && end !== 'head') return source === 'bundle' ? 'outside' : 'unread'
  const isRemoved = findings.some(
    ({ code, observed, seqTo }) => code === 'unexpected_head' && observed === undefined && seqTo > segmentTo,
  )
  return isRemoved ? 'removed' : end
}

/** Returns the seq of the newest head from outside that is missing; 0 where none is. */
export function newestMissing({ findings }: Verdict): number {
  return findings
    .filter(({ code, observed }) => code === 'unexpected_head' && observed === undefined)
    .reduce((newest, { seqTo }) => Math.max(newest, seqTo), 0)
}
