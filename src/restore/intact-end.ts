import type { Finding } from '../chain/finding.js'

/**
 * Returns the last seq of the intact beginning of a chain of `last` rows, from the findings of a verify; 0 where no row
 * is intact. Intact means that each row hashes and links to the row before it. Rows that somebody rewrote together, up to
 * a link that breaks, hash and link too: only a pinned head in the beginning proves the beginning.
 */
export function intactEnd(findings: readonly Finding[], last: number): number {
  return Math.max(0, Math.min(last, ...findings.map(endBefore)))
}

function endBefore({ code, seqFrom, observed }: Finding): number {
  // An orphan is no row of the chain, so it damages no row.
  if (code === 'orphan_object') return Number.POSITIVE_INFINITY
  // The row before `seqFrom` is not the row that `seqFrom` was linked to.
  if (code === 'broken_link') return seqFrom - 2
  // Another row has the place of the pinned row, and nothing here shows where the rewritten rows begin.
  if (code === 'unexpected_head' && observed !== undefined) return 0
  return seqFrom - 1
}
