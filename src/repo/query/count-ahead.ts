import { CLOCK_TOLERANCE } from '../../chain/row-time.js'
import type { RowsAhead } from '../../ports/query.js'
import type { Client } from '../session/database.js'
import { microsOf, readTime } from '../session/read-time.js'

/** The limit is a scalar subquery, so that it is evaluated once and bounds the scan of audit_log_entry_by_time. */
const COUNT = `
  WITH latest AS MATERIALIZED (SELECT clock_timestamp() + $2::bigint * interval '1 microsecond' AS allowed)
  SELECT ${microsOf('(SELECT allowed FROM latest)')} AS after, (
    SELECT count(*) FROM audit_log_entry WHERE domain_id = $1 AND recorded_at > (SELECT allowed FROM latest)
  )::text AS rows`

/** Implements EntryReader.countAhead. Without such a row this is one probe of an index. */
export async function countAhead(client: Client, domainId: string): Promise<RowsAhead> {
  const values = [domainId, CLOCK_TOLERANCE.toString()]
  const { rows } = await client.query<{ after: string; rows: string }>(COUNT, values)
  const after = readTime(rows[0]?.after ?? '0')
  return { rows: Number(rows[0]?.rows ?? 0), after: typeof after === 'bigint' ? after : 0n }
}
