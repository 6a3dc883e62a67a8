import type { RowCheck } from '../../../chain/evidence/finding-evidence.js'
import type { Context } from '../../../compose/context.js'
import { openCountStore } from '../../../compose/query.js'
import type { SeqRange } from '../../../ports/query.js'
import { type ChainCounts, type CountRequest, type Dimension, MAX_VALUES } from '../../../ports/stats.js'
import { NO_NAMES, type ShownNames } from '../../../query/choose-domain.js'
import { streamEntries } from '../../../query/list.js'
import { RowCounter } from '../../../query/stats/row-counter.js'
import { type Stats, statsOf } from '../../../query/stats/stats-report.js'
import type { ChainNames } from '../../flags/chain-names.js'
import type { Format } from '../../flags/format.js'
import { chainText } from '../../output/chain-text.js'
import type { Output } from '../../output/output.js'
import { withProgress } from '../../output/progress.js'
import type { Copies } from '../copies.js'
import { withHints } from '../open.js'
import { type ChainsRequest, type OpenChain, OpenChains } from '../open-chains.js'
import { printStatsCsv } from './csv.js'
import { statsJson } from './json.js'
import { printStats } from './text.js'

/** The options of `stats`, parsed. */
export interface StatsOptions extends ChainsRequest {
  readonly copies: Copies
  readonly range: SeqRange
  readonly dimensions: readonly Dimension[]
  readonly top: number
  readonly format: Format
  readonly names: ChainNames
}

type CountChain = (chain: OpenChain) => Promise<ChainCounts>

/** Counts rows and prints the counts. With `verify`, raises the exit code to 1 where a counted row is damaged or unlinked. */
export async function runStats(
  options: StatsOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const { dimensions, top, format } = options
  const isJson = format === 'json'
  const chains = await OpenChains.open(context, options.copies, { ...options, isJson }, signal)
  // PostgreSQL counts faster than rows can be recomputed; every other copy must be read in full.
  const bySql = options.copies.source === 'postgres' && !options.verify
  const count = bySql
    ? await countInDatabase(options, chains.all.length, context, signal)
    : countStream(options, signal)
  const timeOrder = await chains.timeOrder()
  const counted: { domainId: string; counts: ChainCounts }[] = []
  for (const chain of chains.all) {
    const work = () => withHints(context, chain.from, signal, () => countHeld(chains, chain, count))
    const counts = await chains.reading(chain, work)
    if (counts !== undefined) counted.push({ domainId: chain.domainId, counts })
  }
  const stats = statsOf(counted, dimensions, top)
  const shown = { checks: bySql ? undefined : sumOfChecks(chains.all), timeOrder }
  const names = await namesOf(options, stats)
  if (format === 'json') await out.json(statsJson(stats, shown, names))
  else if (format === 'csv') await printStatsCsv(stats, out)
  else await printStats(stats, shown, names, out)
  await chains.finish()
}

/** The counts of one chain do not name it. */
async function namesOf({ names, copies, format }: StatsOptions, { chains }: Stats): Promise<ShownNames> {
  if (format === 'csv' || !copies.areSeveral) return NO_NAMES
  return names.shown(chains.map(({ domainId }) => domainId))
}

async function countHeld(chains: OpenChains, chain: OpenChain, count: CountChain): Promise<ChainCounts> {
  const counts = await count(chain)
  if (counts.rows === 0) await chains.assertHeld(chain)
  return counts
}

async function countInDatabase(
  { range, dimensions, top }: StatsOptions,
  chains: number,
  context: Context,
  signal: AbortSignal,
): Promise<CountChain> {
  const store = await openCountStore(context)
  // Several chains may share a value, so the counts of each chain are needed in full.
  const request: Omit<CountRequest, 'domainId' | 'filter'> = {
    range,
    dimensions,
    values: chains === 1 ? top : MAX_VALUES,
  }
  return ({ domainId, filter }) => store.count({ ...request, domainId, filter }, signal)
}

function countStream({ dimensions, range }: StatsOptions, signal: AbortSignal): CountChain {
  return async ({ reader, judge, domainId, filter }) => {
    const counter = new RowCounter(dimensions)
    let rows = 0
    await withProgress(`stats ${chainText(domainId)}`, async (onProgress) => {
      for await (const row of streamEntries(reader, domainId, filter, range, signal)) {
        judge.judge(row)
        counter.add(row)
        rows += 1
        onProgress({ rows })
      }
    })
    return counter.counts
  }
}

function sumOfChecks(chains: readonly OpenChain[]): Readonly<Record<RowCheck, number>> {
  const sum = { ok: 0, damaged: 0, unlinked: 0 }
  for (const { judge } of chains) {
    sum.ok += judge.counts.ok
    sum.damaged += judge.counts.damaged
    sum.unlinked += judge.counts.unlinked
  }
  return sum
}
