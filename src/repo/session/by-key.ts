import type { Client } from './database.js'
import { plannedReads } from './explain.js'

/**
 * Returns a subquery of the rows of a chain that meet `conditions`, which must not be about the fields of a filter. OFFSET
 * keeps the conditions of the outer query out of it, so that no index of a filter decides which rows there are.
 */
export function rowsByKey(
  conditions: readonly string[],
  { table = 'audit_log_entry', order = 'ASC' }: { table?: string; order?: 'ASC' | 'DESC' } = {},
): string {
  return `(SELECT * FROM ${table} WHERE ${conditions.join(' AND ')} ORDER BY seq ${order} OFFSET 0)`
}

/** Returns the WHERE of all conditions, or an empty text without a condition. */
export function whereAll(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
}

const PRIMARY_KEY = `
  SELECT c.relname::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE i.indrelid = 'audit_log_entry'::regclass::oid AND i.indisprimary AND i.indisvalid AND i.indnkeyatts = 2
    AND i.indkey[0] = (SELECT attnum FROM pg_attribute WHERE attrelid = i.indrelid AND attname = 'domain_id')
    AND i.indkey[1] = (SELECT attnum FROM pg_attribute WHERE attrelid = i.indrelid AND attname = 'seq')`

const FROM_TABLE = `SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off;
  SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = on; SET LOCAL enable_sort = on`

/**
 * Returns whether PostgreSQL reads the entries of a query of {@link rowsByKey} by their primary key. An index that somebody
 * added could also have the order of the key, and lack rows. It is mostly larger, and then preferred only where it spares a
 * look at the table, so the rest of the transaction does not spare that where it must not.
 */
export async function readsByKey(
  client: Client,
  query: string,
  values: readonly unknown[],
): Promise<boolean> {
  const key = (await client.query<{ name: string }>(PRIMARY_KEY)).rows[0]?.name
  if (key === undefined) return false
  const isPlanned = async () => {
    const reads = await plannedReads(client, 'audit_log_entry', query, values)
    return reads.length > 0 && reads.every(({ index }) => index === key)
  }
  if (await isPlanned()) return true
  await client.query('SET LOCAL enable_indexonlyscan = off')
  return isPlanned()
}

/** Lets the rest of the transaction read the table itself, without any index, where the primary key cannot be assured. */
export async function assureKey(client: Client, query: string, values: readonly unknown[]): Promise<void> {
  if (!(await readsByKey(client, query, values))) await client.query(FROM_TABLE)
}
