import { SIGNED_RELATION } from '../../chain/log/signed-row.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Client } from '../session/database.js'
import { WITHOUT_SORT } from '../signer/signed-rows.js'

const { checkpoint } = SIGNED_RELATION
const ON_PLATFORM = `domain_id = '${PLATFORM_ANCHOR}'`
/** Most rows that the index names, and most days. */
const [MOST_NAMED, MOST_DAYS] = [5_000, 1_000]

/** The row of the platform chain with the newest head of a chain, by the index of the signer. */
const newestOf = (domainId: string) => `
  SELECT platform_seq FROM audit_checkpoint c
  WHERE c.domain_id = ${domainId} AND c.incarnation = 1 AND platform_seq IS NOT NULL ORDER BY size DESC LIMIT 1`

/** Steps from chain to chain, because the index has one row for each chain and interval. */
const NEWEST_OF_EACH = `
  WITH RECURSIVE chains(id) AS (
    (SELECT domain_id FROM audit_checkpoint ORDER BY domain_id LIMIT 1)
    UNION ALL
    SELECT (SELECT domain_id FROM audit_checkpoint WHERE domain_id > chains.id ORDER BY domain_id LIMIT 1)
    FROM chains WHERE chains.id IS NOT NULL
  )
  SELECT DISTINCT newest.platform_seq AS seq FROM chains CROSS JOIN LATERAL (${newestOf('chains.id')}) AS newest
  ORDER BY seq DESC LIMIT ${MOST_NAMED}`

const lastRow = (condition: string) => `
  SELECT seq, recorded_at FROM audit_log_entry
  WHERE ${ON_PLATFORM} AND relation >= '${checkpoint}' AND relation <= '${checkpoint}' ${condition}
  ORDER BY relation DESC, seq DESC LIMIT 1`

/** Steps from day to day. The seq descends with each step, whatever times were forced into the table. */
const LAST_OF_DAYS = `
  WITH RECURSIVE days AS (
    (${lastRow('')})
    UNION ALL
    SELECT before.seq, before.recorded_at FROM days
    CROSS JOIN LATERAL (
      SELECT seq FROM audit_log_entry
      WHERE ${ON_PLATFORM} AND recorded_at < date_trunc('day', days.recorded_at, 'UTC')
      ORDER BY recorded_at DESC, seq DESC LIMIT 1) AS ended
    CROSS JOIN LATERAL (${lastRow('AND seq <= ended.seq AND seq < days.seq')}) AS before
  )
  SELECT seq FROM days LIMIT ${MOST_DAYS}`

/** Returns the seq of the row that the index names for a chain, if any. */
export async function namedRow(client: Client, domainId: string): Promise<number[]> {
  return seqsOf(client, `SELECT platform_seq AS seq FROM (${newestOf('$1')}) AS newest`, [domainId])
}

/** Returns the seqs of the rows that the index names for all chains. */
export async function namedRows(client: Client): Promise<number[]> {
  return seqsOf(client, NEWEST_OF_EACH)
}

/** Returns the seqs of the last row with heads of each UTC day. */
export async function lastRowsOfDays(client: Client): Promise<number[]> {
  await client.query(WITHOUT_SORT)
  return seqsOf(client, LAST_OF_DAYS)
}

async function seqsOf(client: Client, sql: string, values: readonly string[] = []): Promise<number[]> {
  const { rows } = await client.query<{ seq: string }>(sql, [...values])
  return rows.map(({ seq }) => Number(seq))
}
