import { MAX_VALUES } from '../../../ports/stats.js'
import type { ShownNames } from '../../../query/choose-domain.js'
import type { Stats, StatsBlock } from '../../../query/stats/stats-report.js'
import { ChainColumns } from '../../output/chain-text.js'
import type { Output } from '../../output/output.js'
import { keyValues, table } from '../../output/table.js'
import { dimensionKey, type ShownWithStats, statsJson } from './json.js'

/** Prints the totals, a table of the chains where there are several, and a table of each dimension. */
export async function printStats(
  stats: Stats,
  shown: ShownWithStats,
  names: ShownNames,
  out: Output,
): Promise<void> {
  const {
    rows,
    denied,
    unreadable,
    first_recorded_at: first,
    last_recorded_at: last,
    chains,
    checks,
  } = statsJson(stats, shown, names)
  const totals = [
    ['rows', rows],
    ['denied', denied],
    ['unreadable', unreadable],
    ['first recorded_at', first],
    ['last recorded_at', last],
    ['damaged', checks?.damaged],
    ['unlinked', checks?.unlinked],
  ] as const
  await out.line(keyValues(totals))
  if (chains.length > 1) {
    const columns = new ChainColumns(names)
    const lines = chains.map(({ domain_id: id, ...chain }) => [
      ...columns.cells(id),
      chain.rows,
      chain.denied,
    ])
    await out.line(`\n${await table([...columns.head('domain_id'), 'rows', 'denied'], lines, out)}`)
  }
  for (const block of stats.blocks) await printBlock(block, out)
}

async function printBlock({ dimension, values, groups, other }: StatsBlock, out: Output): Promise<void> {
  if (groups.length === 0) return
  const lines = groups.map(({ value, rows, denied }) => [value, rows, denied])
  await out.line(`\n${await table([dimensionKey(dimension), 'rows', 'denied'], lines, out)}`)
  if (other === undefined) return
  const more = values === undefined ? `more than ${MAX_VALUES - groups.length}` : values - groups.length
  await out.line(`${more} other values: ${other.rows} rows, ${other.denied} denied`)
}
