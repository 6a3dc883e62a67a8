import { wireTime } from '../../../base/wire-time.js'
import type { RowCheck } from '../../../chain/evidence/finding-evidence.js'
import type { TimeOrder } from '../../../ports/query.js'
import type { Dimension, GroupCounts, RowCounts } from '../../../ports/stats.js'
import type { ShownNames } from '../../../query/choose-domain.js'
import type { ChainTotals, Stats, StatsBlock } from '../../../query/stats/stats-report.js'
import { withName } from '../../output/chain-text.js'

/** The counts of the rows of one dimension. */
interface BlockJson {
  /** The number of values; absent where there are too many to count. */
  readonly values?: number
  readonly groups: readonly GroupCounts[]
  /** The rows of all values that are not in `groups`. */
  readonly other?: RowCounts
}

/** The answer of `stats`. */
export interface StatsJson extends RowCounts {
  /** The rows, among `rows`, whose fields cannot be read; absent where there are none. */
  readonly unreadable?: number
  readonly first_recorded_at?: string
  readonly last_recorded_at?: string
  /** The rows by what recomputing them shows; absent where they were not recomputed. */
  readonly checks?: Readonly<Record<RowCheck, number>>
  /** Only where rows are selected by time. */
  readonly time_order?: TimeOrder
  readonly chains: readonly ChainJson[]
  readonly by: Readonly<Record<string, BlockJson>>
}

interface ChainJson extends RowCounts {
  readonly unreadable?: number
  readonly domain_id: string
  readonly name?: string
  readonly first_seq?: number
  readonly last_seq?: number
}

/** What is shown with the counts. */
export interface ShownWithStats {
  readonly checks: StatsJson['checks'] | undefined
  /** Absent where rows are not selected by time. */
  readonly timeOrder: TimeOrder | undefined
}

export function statsJson(stats: Stats, { checks, timeOrder }: ShownWithStats, names: ShownNames): StatsJson {
  const { rows, denied, unreadable, firstRecordedAt, lastRecordedAt, chains, blocks } = stats
  return {
    rows,
    denied,
    ...(unreadable > 0 && { unreadable }),
    ...(firstRecordedAt !== undefined && { first_recorded_at: wireTime(firstRecordedAt) }),
    ...(lastRecordedAt !== undefined && { last_recorded_at: wireTime(lastRecordedAt) }),
    ...(checks !== undefined && { checks }),
    ...(timeOrder !== undefined && { time_order: timeOrder }),
    chains: chains.map((chain) => withName(chainJson(chain), names)),
    by: Object.fromEntries(blocks.map((block) => [dimensionKey(block.dimension), blockJson(block)])),
  }
}

/** Returns the key of a dimension: `object_type` for `object-type`. */
export function dimensionKey(dimension: Dimension): string {
  return dimension.replace('-', '_')
}

function chainJson({ domainId, rows, denied, unreadable, firstSeq, lastSeq }: ChainTotals): ChainJson {
  return {
    domain_id: domainId,
    rows,
    denied,
    ...(unreadable > 0 && { unreadable }),
    ...(firstSeq !== undefined && { first_seq: firstSeq }),
    ...(lastSeq !== undefined && { last_seq: lastSeq }),
  }
}

function blockJson({ values, groups, other }: StatsBlock): BlockJson {
  return {
    ...(values !== undefined && { values }),
    groups: groups.map(({ value, rows, denied }) => ({ value, rows, denied })),
    ...(other !== undefined && { other }),
  }
}
