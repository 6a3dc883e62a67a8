import type { StatedHead, StatedHeads } from '../../ports/log/heads.js'
import type { EntrySource, ScanRequest } from '../../ports/verify.js'
import { type HeadInRun, headsInRun } from './head-state.js'
import { firstDifferent, lastHolding } from './judge-heads.js'

type Segment = Pick<ScanRequest, 'domainId' | 'fromSeq' | 'now'>

/**
 * Adds the heads between the last one that holds and the first one that does not, so that the finding begins where the difference
 * does, whichever heads the run selected. Reads those rows again, which costs time only where something was found.
 */
export async function narrowHeads(
  heads: readonly HeadInRun[],
  stated: StatedHeads,
  source: EntrySource,
  segment: Segment,
  signal: AbortSignal,
): Promise<readonly HeadInRun[]> {
  const different = firstDifferent(heads)?.head
  if (different === undefined || stated.between === undefined) return heads
  const holding = lastHolding(heads, different.size)?.head
  const after = Math.max(holding?.size ?? 0, segment.fromSeq - 1)
  const between = await stated.between(holding, different)
  const more = between.filter(({ size }) => size > after && size < different.size)
  if (more.length === 0) return heads
  const request = { ...segment, fromSeq: after + 1, toSeq: different.size, pins: [] }
  const scan = await source.scan({ ...request, heads: marksOf(more) }, () => undefined, signal)
  const added = headsInRun(more, scan, scan.fold.findings, different.size)
  return [...heads, ...added].sort((one, other) => one.head.size - other.head.size)
}

/** Returns the rows that a source compares for these heads. */
export function marksOf(heads: readonly StatedHead[]): { readonly seq: number; readonly hash: string }[] {
  return heads.flatMap(({ size, entryHash: hash }) => (hash === undefined ? [] : [{ seq: size, hash }]))
}
