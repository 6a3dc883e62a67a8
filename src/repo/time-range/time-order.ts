import { LIMITS } from '../../chain/limits.js'
import type { TimeOrder } from '../../ports/query.js'
import type { Client } from '../session/database.js'

/** SQL for whether there is a quarantine that this role may read. */
export const MAY_READ = `coalesce(has_table_privilege(to_regclass('audit_tamper_quarantine'), 'SELECT'), false)`

/** The findings about what is stored of a row. A row that none of them names recomputes, and the fold compared its time. */
const ABOUT_ROWS = `('malformed_row', 'entry_hash_mismatch', 'broken_link', 'duplicate_seq', 'copies_differ')`

/** Costs less to plan than the query that looks at rows, which few chains need. */
const HAS_FINDING = `
  SELECT EXISTS (SELECT FROM audit_tamper_quarantine WHERE domain_id = $1 AND code IN ${ABOUT_ROWS}) AS found`

/** Findings with fewer rows than this between them are looked at together: to read the rows costs less than to find both places. */
const NEAR = 64

/** Beyond these numbers of findings, of places and of rows, the order counts as broken: to compare costs as much as to read all rows. */
const [MOST_FINDINGS, MOST_PLACES, MOST_ROWS] = [10_000, 500, 50_000]

const inChain = (seq: string) => `least(greatest(${seq}, 1), ${LIMITS.maxSeq})`

/**
 * Compares the times that rows hold now, at the places that findings name, in one pass: each place with the row before and the row
 * after it. So the edit of another field does not count as a broken order, and neither does a time that was put right. Whether a
 * finding is acknowledged makes no difference.
 */
const IS_BROKEN = `
  WITH finding AS MATERIALIZED (
    SELECT ${inChain('seq_from')} AS first, ${inChain('seq_to')} AS last FROM audit_tamper_quarantine
    WHERE domain_id = $1 AND code IN ${ABOUT_ROWS} LIMIT ${MOST_FINDINGS + 1}
  ), marked AS (
    SELECT first, last, first > coalesce(max(last) OVER before, 0) + ${NEAR} AS is_apart FROM finding
    WINDOW before AS (ORDER BY first, last ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
  ), numbered AS (
    SELECT first, last, count(*) FILTER (WHERE is_apart) OVER (ORDER BY first, last) AS place FROM marked
  ), place AS MATERIALIZED (SELECT min(first) AS first, max(last) AS last FROM numbered GROUP BY place)
  SELECT CASE
    WHEN (SELECT count(*) FROM finding) > ${MOST_FINDINGS} THEN true
    WHEN (SELECT count(*) > ${MOST_PLACES} OR sum(last - first + 1) > ${MOST_ROWS} FROM place) THEN true
    ELSE EXISTS (
      SELECT FROM place CROSS JOIN LATERAL (
        SELECT e.recorded_at, lag(e.recorded_at) OVER (ORDER BY e.seq) AS before FROM audit_log_entry e
        WHERE e.domain_id = $1
          AND e.seq >= coalesce((SELECT b.seq FROM audit_log_entry b
            WHERE b.domain_id = $1 AND b.seq >= 1 AND b.seq < place.first ORDER BY b.seq DESC LIMIT 1), 1)
          AND e.seq <= coalesce((SELECT a.seq FROM audit_log_entry a
            WHERE a.domain_id = $1 AND a.seq > place.last AND a.seq <= ${LIMITS.maxSeq} ORDER BY a.seq LIMIT 1), ${LIMITS.maxSeq})
      ) AS pair
      WHERE pair.recorded_at IS NULL OR pair.recorded_at < pair.before)
    END AS broken`

/**
 * Returns `broken` where a finding names a row whose time is out of order, or where there are too many findings to look at, and
 * otherwise `unverified`. A role that may not read the quarantine gets `unverified`.
 */
export async function timeOrderOf(client: Client, domainId: string): Promise<Exclude<TimeOrder, 'verified'>> {
  const { rows } = await client.query<{ may: boolean }>(`SELECT ${MAY_READ} AS may`)
  return rows[0]?.may === true && (await isBroken(client, domainId)) ? 'broken' : 'unverified'
}

/** Returns whether a finding names a row whose time is out of order, or there are too many findings to look at. */
export async function isBroken(client: Client, domainId: string): Promise<boolean> {
  const { rows: findings } = await client.query<{ found: boolean }>(HAS_FINDING, [domainId])
  if (findings[0]?.found !== true) return false
  const { rows } = await client.query<{ broken: boolean }>(IS_BROKEN, [domainId])
  return rows[0]?.broken === true
}
