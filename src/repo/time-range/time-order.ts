import { LIMITS } from '../../chain/limits.js'
import type { TimeOrder } from '../../ports/query.js'
import type { Client } from '../session/database.js'

/** SQL for whether there is a quarantine that this role may read. */
export const MAY_READ = `coalesce(has_table_privilege(to_regclass('audit_tamper_quarantine'), 'SELECT'), false)`

/** The findings about what is stored of a row. A row that none of them names recomputes, and the fold compared its time. */
const ABOUT_ROWS = `('malformed_row', 'entry_hash_mismatch', 'broken_link', 'duplicate_seq', 'copies_differ')`

/** Costs less to plan than the query that looks at rows, which few chains need. */
const HAS_FINDING = `
  SELECT EXISTS (
    SELECT FROM audit_tamper_quarantine WHERE domain_id = $1 AND acknowledged_at IS NULL AND code IN ${ABOUT_ROWS}
  ) AS found`

/**
 * Looks at the rows that findings name, and at the row before and the row after them, and compares the times that they hold now.
 * So the edit of another field does not count as a broken order. Acknowledged findings do not count.
 */
const IS_BROKEN = `
  SELECT EXISTS (
    SELECT FROM audit_tamper_quarantine q CROSS JOIN LATERAL (
      SELECT e.recorded_at, lag(e.recorded_at) OVER (ORDER BY e.seq) AS before FROM audit_log_entry e
      WHERE e.domain_id = $1
        AND e.seq >= coalesce((SELECT b.seq FROM audit_log_entry b
          WHERE b.domain_id = $1 AND b.seq >= 1 AND b.seq < q.seq_from ORDER BY b.seq DESC LIMIT 1), 1)
        AND e.seq <= coalesce((SELECT a.seq FROM audit_log_entry a
          WHERE a.domain_id = $1 AND a.seq > q.seq_to AND a.seq <= ${LIMITS.maxSeq} ORDER BY a.seq LIMIT 1), ${LIMITS.maxSeq})
    ) AS pair
    WHERE q.domain_id = $1 AND q.acknowledged_at IS NULL AND q.code IN ${ABOUT_ROWS}
      AND (pair.recorded_at IS NULL OR pair.recorded_at < pair.before)
  ) AS broken`

/**
 * Returns `broken` where a finding that nobody acknowledged names a row whose time is out of order, and otherwise `unverified`.
 * A role that may not read the quarantine gets `unverified`.
 */
export async function timeOrderOf(client: Client, domainId: string): Promise<Exclude<TimeOrder, 'verified'>> {
  const { rows } = await client.query<{ may: boolean }>(`SELECT ${MAY_READ} AS may`)
  return rows[0]?.may === true && (await isBroken(client, domainId)) ? 'broken' : 'unverified'
}

/** Returns whether a finding that nobody acknowledged names a row whose time is out of order. */
export async function isBroken(client: Client, domainId: string): Promise<boolean> {
  const { rows: findings } = await client.query<{ found: boolean }>(HAS_FINDING, [domainId])
  if (findings[0]?.found !== true) return false
  const { rows } = await client.query<{ broken: boolean }>(IS_BROKEN, [domainId])
  return rows[0]?.broken === true
}
