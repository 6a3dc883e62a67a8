import { AuditError } from '../../base/errors.js'
import type { Client } from '../session/database.js'
import { expectedObjects } from './schema-objects.js'

const TYPES = `
  SELECT r.relname || ': column ' || a.attname AS name,
    format_type(a.atttypid, a.atttypmod) || CASE a.attgenerated WHEN '' THEN '' ELSE ' GENERATED' END AS type
  FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE r.relnamespace = quote_ident(current_schema())::regnamespace AND r.relname = ANY ($1::text[])`

/** What follows the type in the definition of a column. */
const BEYOND_TYPE = / (?:COLLATE|DEFAULT|IDENTITY)\b.*$/

/**
 * Rejects with `schema_altered` unless every column of these tables has the type of the migrations. A column of another
 * type gives other bytes: an honest row would not hash, and a type with a cast could hide what is stored.
 */
export async function assertColumnTypes(client: Client, tables: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ name: string; type: string }>(TYPES, [tables])
  const types = new Map(rows.map(({ name, type }) => [name, type]))
  for (const [name, definition] of Object.entries(expectedObjects().objects)) {
    const [table = '', column] = name.split(': column ')
    if (column === undefined || !tables.includes(table)) continue
    const [expected, got] = [definition.replace(BEYOND_TYPE, ''), types.get(name)]
    if (got === expected) continue
    throw new AuditError(
      'schema_altered',
      `column ${column} of ${table}: expected type ${expected}, got ${got ?? 'no such column'}`,
      { advice: { code: 'put_back_column' } },
    )
  }
}
