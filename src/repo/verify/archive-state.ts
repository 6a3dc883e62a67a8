import { LIMITS } from '../../chain/limits.js'
import type { ArchiveState } from '../../ports/verify.js'
import { inKeyOrder, stampedAbove, unstampedRows } from '../session/archive-stamp.js'
import type { Client } from '../session/database.js'
import { microsOf } from '../session/read-time.js'
import { rowlessStamps } from './rowless-stamps.js'

/** The first row without a stamp, of a chain and of a segment of it. */
const firstUnstamped = (fromSeq: string, toSeq?: string) => `
  SELECT e.seq, CASE WHEN isfinite(e.recorded_at) THEN ${microsOf('e.recorded_at')} END AS recorded_at
  ${unstampedRows({ domainId: '$1', fromSeq, toSeq })} ORDER BY e.seq LIMIT 1`

const OF_CHAIN = firstUnstamped('1')
const OF_SEGMENT = firstUnstamped('$2', '$3')

/** The last row above the first one without a stamp ($2) that was stamped since the id of the mirrors was recorded. */
const IN_ORDER_BELOW = `
  SELECT s.seq ${stampedAbove('$1', '$2')} AND s.seq <= ${LIMITS.maxSeq}
    AND s.archived_at > (SELECT min(recorded_at) FROM audit_mirror_marker)
  ORDER BY s.seq DESC LIMIT 1`

interface UnstampedRow {
  readonly seq: string
  readonly recorded_at: string | null
}

interface Segment {
  readonly domainId: string
  readonly fromSeq: number
  readonly toSeq?: number | undefined
}

/**
 * Reads how far a chain is archived, in two passes over its stamps. `last` is the seq of its last row in the same snapshot. `isCompared`:
 * whether the rows are compared with the mirror.
 */
export async function archiveState(
  client: Client,
  segment: Segment,
  last: number,
  isCompared: boolean,
): Promise<ArchiveState> {
  return inKeyOrder(client, async () => {
    const [first] = await unstamped(client, OF_CHAIN, [segment.domainId])
    return {
      through: first === undefined ? Math.min(last, LIMITS.maxSeq) : Number(first.seq) - 1,
      inOrderBelow: isCompared ? await inOrderBelow(client, segment.domainId, first) : 0,
      waiting: await waitingIn(client, segment, first),
      rowless: await rowlessStamps(client, segment.domainId, segment.fromSeq, segment.toSeq ?? LIMITS.maxSeq),
    }
  })
}

async function inOrderBelow(
  client: Client,
  domainId: string,
  first: UnstampedRow | undefined,
): Promise<number> {
  if (first === undefined) return 0
  const { rows } = await client.query<{ seq: string }>(IN_ORDER_BELOW, [domainId, first.seq])
  return Number(rows[0]?.seq ?? 0)
}

/** Returns the first row of the segment without a stamp. It is mostly the first one of the chain. */
async function waitingIn(
  client: Client,
  { domainId, fromSeq, toSeq = LIMITS.maxSeq }: Segment,
  first: UnstampedRow | undefined,
): Promise<ArchiveState['waiting']> {
  if (first === undefined || Number(first.seq) > toSeq) return undefined
  const isBefore = Number(first.seq) < fromSeq
  const [row] = isBefore ? await unstamped(client, OF_SEGMENT, [domainId, fromSeq, toSeq]) : [first]
  if (row === undefined || row.recorded_at === null) return undefined
  return { seq: Number(row.seq), recordedAt: BigInt(row.recorded_at) }
}

async function unstamped(client: Client, sql: string, values: readonly unknown[]): Promise<UnstampedRow[]> {
  return (await client.query<UnstampedRow>(sql, [...values])).rows
}
