import type { ReadEntry, SeqRange } from '../../ports/query.js'
import type { OpenChain, OpenChains } from './open-chains.js'

/** Returns the newest rows of all chains within their ranges, in the order of the ranges. */
export async function lastRows(
  chains: OpenChains,
  rangeOf: (chain: OpenChain) => SeqRange,
  count: number,
  signal: AbortSignal,
): Promise<readonly ReadEntry[]> {
  let isReversed = false
  const newestFirst = chains.rows((chain) => {
    const range = rangeOf(chain)
    isReversed = range.order === 'descending'
    return { ...range, order: 'descending' }
  }, signal)
  const rows = await firstOf(newestFirst, count)
  return isReversed ? rows : rows.reverse()
}

/** Returns the first rows, and ends the reading of the others. */
export async function firstOf(rows: AsyncIterable<ReadEntry>, count: number): Promise<ReadEntry[]> {
  const first: ReadEntry[] = []
  for await (const row of rows) {
    first.push(row)
    if (first.length >= count) break
  }
  return first
}
