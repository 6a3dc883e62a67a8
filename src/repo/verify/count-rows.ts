import { readsByKey, rowsByKey } from '../session/by-key.js'
import type { Client } from '../session/database.js'
import { measuredReads, plannedReads } from '../session/explain.js'
import type { FilterIndex } from './filter-indexes.js'

/** The rows of a chain that one index has. */
export interface IndexCount {
  readonly index: string
  readonly rows: number
}

/** The rows of a chain that belong into each of several indexes. */
export interface ExpectedRows {
  /** An index that somebody added, if PostgreSQL reads the chain by it and not by the primary key. */
  readonly index?: string | undefined
  /** What was read, in words. */
  readonly by: string
  readonly rows: readonly number[]
}

/**
 * Leads the planner to the index that has the order of a query. A parallel plan would count the rows of each process
 * apart. The scan has turned sorts off.
 */
const BY_ORDER = `SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;
  SET LOCAL enable_incremental_sort = off; SET LOCAL max_parallel_workers_per_gather = 0;
  SET LOCAL enable_indexonlyscan = on`

/**
 * Leads the planner to the smallest index, and to a partial one that needs no filter. An index of somebody else mostly has
 * more columns, is larger, and is preferred where it spares a look at the table.
 */
const SMALLEST = `SET LOCAL enable_indexonlyscan = off; SET LOCAL random_page_cost = 1000;
  SET LOCAL cpu_operator_cost = 100`

const TABLE = 'audit_log_entry'

/**
 * Counts the rows of a chain through an index. Where PostgreSQL prefers an index that somebody added, that one is counted.
 * Returns undefined where it reads no index, because it must not use this one yet.
 */
export async function rowsThrough(
  client: Client,
  domainId: string,
  { name, order, where }: FilterIndex,
): Promise<IndexCount | undefined> {
  const query = `SELECT FROM ONLY ${TABLE}
    WHERE domain_id = $1 ${where === undefined ? '' : `AND ${where}`} ORDER BY ${order}`
  await client.query(BY_ORDER)
  const [planned] = await plannedReads(client, TABLE, query, [domainId])
  if (planned?.index !== name) await client.query(SMALLEST)
  // The measure has the plan that ran, so that the count cannot be of another index than the one that it names.
  const [read, another] = await measuredReads(client, TABLE, query, [domainId])
  if (read?.index === undefined || another !== undefined) return undefined
  return { index: read.index, rows: read.rows }
}

/** Counts the rows of a chain that belong into each index, by the primary key where PostgreSQL can be led to it. */
export async function rowsExpected(
  client: Client,
  domainId: string,
  indexes: readonly FilterIndex[],
): Promise<ExpectedRows> {
  const counts = indexes.map(
    ({ where }, at) => `count(*) ${where === undefined ? '' : `FILTER (WHERE ${where})`} AS c${at}`,
  )
  const query = `SELECT ${counts.join(', ')} FROM ${rowsByKey(['domain_id = $1'], { table: `ONLY ${TABLE}` })} e`
  await client.query(BY_ORDER)
  const isByKey = await readsByKey(client, query, [domainId])
  const [read] = isByKey ? [] : await plannedReads(client, TABLE, query, [domainId])
  const { rows } = await client.query<Readonly<Record<string, string>>>(query, [domainId])
  return {
    index: read?.index,
    by: isByKey ? 'the primary key' : (read?.index ?? 'the table'),
    rows: indexes.map((_, at) => Number(rows[0]?.[`c${at}`])),
  }
}
