import { LIMITS } from '../../chain/limits.js'
import type { ArchiveState } from '../../ports/verify.js'
import type { Client } from '../session/database.js'
import { microsOf } from '../session/read-time.js'

/**
 * The first row without a stamp, of the chain and of the segment, by the partial index. Rows that were stamped since the
 * id of the mirrors was recorded are looked for only above the first row without a stamp, and only for a comparison with the
 * mirror ($4): in a chain that was never archived, this reads every row.
 */
const STATE = `
  SELECT first.seq AS first_unstamped, waiting.seq AS waiting_seq, waiting.recorded_at AS waiting_since,
    CASE WHEN $4 THEN (SELECT e.seq FROM audit_log_entry e
     WHERE e.domain_id = $1 AND e.seq > first.seq AND e.seq <= ${LIMITS.maxSeq}
       AND e.archived_at > (SELECT min(recorded_at) FROM audit_mirror_marker)
     ORDER BY e.seq DESC LIMIT 1) END AS in_order_below
  FROM (SELECT) AS one
  LEFT JOIN LATERAL (
    SELECT seq FROM audit_log_entry WHERE domain_id = $1 AND archived_at IS NULL AND seq >= 1 ORDER BY seq LIMIT 1
  ) AS first ON true
  LEFT JOIN LATERAL (
    SELECT seq, CASE WHEN isfinite(recorded_at) THEN ${microsOf('recorded_at')} END AS recorded_at FROM audit_log_entry
    WHERE domain_id = $1 AND archived_at IS NULL AND seq BETWEEN $2 AND $3 ORDER BY seq LIMIT 1
  ) AS waiting ON true`

interface StateRow {
  readonly first_unstamped: string | null
  readonly waiting_seq: string | null
  readonly waiting_since: string | null
  readonly in_order_below: string | null
}

/**
 * Reads how far a chain is archived. `last` is the seq of its last row in the same snapshot. `isCompared`: whether the rows
 * are compared with the mirror.
 */
export async function archiveState(
  client: Client,
  {
    domainId,
    fromSeq,
    toSeq = LIMITS.maxSeq,
  }: { domainId: string; fromSeq: number; toSeq?: number | undefined },
  last: number,
  isCompared: boolean,
): Promise<ArchiveState> {
  const { rows } = await client.query<StateRow>(STATE, [domainId, fromSeq, toSeq, isCompared])
  const [row] = rows
  const waiting =
    row?.waiting_seq == null || row.waiting_since === null
      ? undefined
      : { seq: Number(row.waiting_seq), recordedAt: BigInt(row.waiting_since) }
  return {
    through: row?.first_unstamped == null ? Math.min(last, LIMITS.maxSeq) : Number(row.first_unstamped) - 1,
    inOrderBelow: Number(row?.in_order_below ?? 0),
    waiting,
  }
}
