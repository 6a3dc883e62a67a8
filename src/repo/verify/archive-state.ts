import { LIMITS } from '../../chain/limits.js'
import type { ArchiveState } from '../../ports/verify.js'
import { countsFor, inKeyOrder, stampedAbove } from '../session/archive-stamp.js'
import type { Client } from '../session/database.js'
import { microsOf } from '../session/read-time.js'
import { rowlessStamps } from './rowless-stamps.js'

/** The part of a table of one chain up to and with the last stamp of the chain. */
const STAMPED_PART = 'domain_id = $1 AND seq >= 1 AND seq <= (SELECT seq FROM top)'

/** The first row beyond the last stamp, from a seq to another. */
const firstBeyond = (fromSeq: string, toSeq: string) => `(
  SELECT seq FROM audit_log_entry
  WHERE domain_id = $1 AND seq > (SELECT seq FROM top) AND seq >= ${fromSeq}${toSeq} ORDER BY seq LIMIT 1)`

/**
 * Compares rows and stamps in one pass up to the last stamp, because no row beyond it has one: a chain that was never archived costs a
 * few probes. Of several rows in one place, the one with the latest time is the one that its stamp does not count for.
 */
const STATE = `
  WITH top AS MATERIALIZED (
    SELECT coalesce(max(seq), 0) AS seq FROM audit_archive_stamp WHERE domain_id = $1
  ), pass AS MATERIALIZED (
    SELECT min(row_seq) FILTER (WHERE NOT counts) AS first,
      min(row_seq) FILTER (WHERE NOT counts AND row_seq BETWEEN $2 AND $3) AS waiting,
      count(*) FILTER (WHERE row_seq IS NULL AND stamp_seq BETWEEN $2 AND $3) AS rowless
    FROM (
      SELECT e.seq AS row_seq, s.seq AS stamp_seq, (${countsFor('e', 's')}) IS TRUE AS counts
      FROM (SELECT seq, recorded_at FROM audit_log_entry WHERE ${STAMPED_PART}) AS e
      FULL JOIN (
        SELECT seq, max(archived_at) AS archived_at FROM audit_archive_stamp WHERE ${STAMPED_PART} GROUP BY seq
      ) AS s ON s.seq = e.seq
    ) AS pairs
  ), state AS MATERIALIZED (
    SELECT coalesce(first, ${firstBeyond('1', '')}) AS first_unstamped,
      coalesce(waiting, ${firstBeyond('$2', ' AND seq <= $3')}) AS waiting_seq, rowless
    FROM pass
  )
  SELECT first_unstamped, waiting_seq, rowless, (
    SELECT CASE WHEN isfinite(recorded_at) THEN ${microsOf('recorded_at')} END FROM audit_log_entry
    WHERE domain_id = $1 AND seq = waiting_seq ORDER BY recorded_at DESC LIMIT 1) AS waiting_since
  FROM state`

/**
 * The last row above the first one without a stamp ($2) that was stamped since the id of the mirrors was recorded. A stamp with the
 * time of its row says nothing about when it was written (see stampTime).
 */
const IN_ORDER_BELOW = `
  SELECT s.seq ${stampedAbove('$1', '$2')} AND s.seq <= ${LIMITS.maxSeq} AND s.archived_at > e.recorded_at
    AND s.archived_at > (SELECT min(recorded_at) FROM audit_mirror_marker)
  ORDER BY s.seq DESC LIMIT 1`

interface StateRow {
  readonly first_unstamped: string | null
  readonly waiting_seq: string | null
  readonly waiting_since: string | null
  readonly rowless: string
}

interface Segment {
  readonly domainId: string
  readonly fromSeq: number
  readonly toSeq?: number | undefined
}

/**
 * Reads how far a chain is archived, in a pass over its stamps. `last` is the seq of its last row in the same snapshot. `isCompared`:
 * whether the rows are compared with the mirror.
 */
export async function archiveState(
  client: Client,
  { domainId, fromSeq, toSeq = LIMITS.maxSeq }: Segment,
  last: number,
  isCompared: boolean,
): Promise<ArchiveState> {
  return inKeyOrder(client, async () => {
    const { rows } = await client.query<StateRow>(STATE, [domainId, fromSeq, toSeq])
    const [row] = rows
    const first = row?.first_unstamped ?? undefined
    return {
      through: first === undefined ? Math.min(last, LIMITS.maxSeq) : Number(first) - 1,
      inOrderBelow: isCompared && first !== undefined ? await inOrderBelow(client, domainId, first) : 0,
      waiting: waitingOf(row),
      rowless:
        Number(row?.rowless ?? 0) > 0 ? await rowlessStamps(client, domainId, fromSeq, toSeq) : undefined,
    }
  })
}

async function inOrderBelow(client: Client, domainId: string, first: string): Promise<number> {
  const { rows } = await client.query<{ seq: string }>(IN_ORDER_BELOW, [domainId, first])
  return Number(rows[0]?.seq ?? 0)
}

function waitingOf(row: StateRow | undefined): ArchiveState['waiting'] {
  if (row?.waiting_seq == null || row.waiting_since === null) return undefined
  return { seq: Number(row.waiting_seq), recordedAt: BigInt(row.waiting_since) }
}
