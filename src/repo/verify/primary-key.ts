import type { Client } from '../session/database.js'

const HAS_PRIMARY_KEY = `
  SELECT EXISTS (SELECT FROM pg_index WHERE indrelid = 'audit_log_entry'::regclass::oid
    AND indisunique AND indisvalid AND indpred IS NULL AND indnkeyatts = 2
    AND indkey[0] = (SELECT attnum FROM pg_attribute WHERE attrelid = indrelid AND attname = 'domain_id')
    AND indkey[1] = (SELECT attnum FROM pg_attribute WHERE attrelid = indrelid AND attname = 'seq')
    AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = indrelid)) AS keyed`

/**
 * Returns whether the entries still have their primary key, which keeps a seq from occurring twice. A table that others
 * inherit from counts as one without: the key of a parent does not hold for its children.
 */
export async function hasPrimaryKey(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ keyed: boolean }>(HAS_PRIMARY_KEY)
  return rows[0]?.keyed === true
}
