import type { ReadTime } from '../../base/wire-time.js'
import {
  type ChainCounts,
  type Dimension,
  type DimensionCounts,
  type GroupCounts,
  MAX_VALUES,
  type RowCounts,
} from '../../ports/stats.js'
import { isBefore } from './row-counter.js'
import { Tally } from './tally.js'

/** The rows of one chain in the statistics of several. */
export interface ChainTotals extends Omit<ChainCounts, 'by'> {
  readonly domainId: string
}

/** The rows by one dimension: hours and days in order of time, everything else by the number of rows. */
export interface StatsBlock {
  readonly dimension: Dimension
  /** The number of values; absent where it is not known, because there are too many. */
  readonly values?: number | undefined
  readonly groups: readonly GroupCounts[]
  /** The rows of the values that are not in `groups`; absent where there are none. */
  readonly other?: RowCounts | undefined
}

export interface Stats extends RowCounts {
  /** The rows, among `rows`, whose fields cannot be read. They are neither denied nor in a block. */
  readonly unreadable: number
  readonly firstRecordedAt?: ReadTime | undefined
  readonly lastRecordedAt?: ReadTime | undefined
  readonly chains: readonly ChainTotals[]
  readonly blocks: readonly StatsBlock[]
}

/**
 * Returns the statistics of chains, with the `top` most frequent values of each dimension and every hour or day. Values that
 * have the same count are in order of their bytes, so that every source gives the same answer.
 */
export function statsOf(
  chains: readonly { readonly domainId: string; readonly counts: ChainCounts }[],
  dimensions: readonly Dimension[],
  top: number,
): Stats {
  const totals = chains.map(({ domainId, counts: { by: _, ...counts } }) => ({ domainId, ...counts }))
  const rows = totals.reduce((sum, chain) => sum + chain.rows, 0)
  const denied = totals.reduce((sum, chain) => sum + chain.denied, 0)
  const unreadable = totals.reduce((sum, chain) => sum + chain.unreadable, 0)
  const blocks = dimensions.map((dimension) => {
    const tally = new Tally(MAX_VALUES)
    for (const { counts } of chains) {
      const ofChain = counts.by.get(dimension)
      if (ofChain !== undefined) tally.addAll(ofChain)
    }
    return blockOf(dimension, tally.counts, top)
  })
  const first = extreme(totals, 'firstRecordedAt', (a, b) => isBefore(a, b))
  const last = extreme(totals, 'lastRecordedAt', (a, b) => isBefore(b, a))
  return { rows, denied, unreadable, firstRecordedAt: first, lastRecordedAt: last, chains: totals, blocks }
}

function extreme(
  chains: readonly ChainTotals[],
  field: 'firstRecordedAt' | 'lastRecordedAt',
  wins: (a: ReadTime, b: ReadTime) => boolean,
): ReadTime | undefined {
  return chains.reduce<ReadTime | undefined>((best, { [field]: time }) => {
    if (time === undefined) return best
    return best === undefined || wins(time, best) ? time : best
  }, undefined)
}

function blockOf(dimension: Dimension, { groups, rest }: DimensionCounts, top: number): StatsBlock {
  const isTime = dimension === 'day' || dimension === 'hour'
  const sorted = [...groups].sort(isTime ? byValue : byRows)
  const shown = isTime ? sorted : sorted.slice(0, top)
  const cut = sorted.slice(shown.length)
  const other = {
    rows: cut.reduce((sum, group) => sum + group.rows, rest.rows),
    denied: cut.reduce((sum, group) => sum + group.denied, rest.denied),
  }
  const values = rest.values === undefined ? undefined : groups.length + rest.values
  return { dimension, values, groups: shown, other: other.rows === 0 ? undefined : other }
}

function byRows(a: GroupCounts, b: GroupCounts): number {
  return b.rows - a.rows || byValue(a, b)
}

function byValue(a: GroupCounts, b: GroupCounts): number {
  return Buffer.compare(Buffer.from(a.value), Buffer.from(b.value))
}
