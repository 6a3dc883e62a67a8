import { AuditError } from '../../base/errors.js'
import type { SchemaLocation } from '../../ports/database.js'
import type { Client } from '../session/database.js'
import { searchOnly } from '../session/schema-location.js'

/** A schema that has this table holds an audit log. */
const MARKER_TABLE = 'audit_schema_migration'

/** The tables that a verdict is made from. */
export const TABLES = [
  MARKER_TABLE,
  'audit_archive_stamp',
  'audit_archive_watermark',
  'audit_checkpoint',
  'audit_domain',
  'audit_log_entry',
  'audit_log_chain_head',
  'audit_mirror_marker',
  'audit_reconcile',
  'audit_restore',
  'audit_tamper_quarantine',
  'audit_tlog_tile',
]

/** Names are qualified with pg_catalog: a search_path may lead to functions and operators of somebody else first. */
const PATH = 'SELECT pg_catalog.current_schemas(true)::pg_catalog.text[] AS path'

const RELATIONS = `
  SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind = 'r' AS plain
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relname = ANY ($1::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`

interface Relation {
  readonly schema: string
  readonly name: string
  /** Whether this is an ordinary table. The author of a view decides which rows it shows. */
  readonly plain: boolean
}

/**
 * Finds the one schema that the names of our tables lead to, and restricts the current transaction to it. Returns
 * undefined when no schema of the search_path holds the tables.
 *
 * Rejects with `schema_shadowed` when the names lead to more than one schema, or to something other than ordinary
 * tables: a user who may create objects in an earlier schema could otherwise show this role other rows.
 */
export async function locateSchema(client: Client): Promise<SchemaLocation | undefined> {
  const path = (await client.query<{ path: string[] }>(PATH)).rows[0]?.path ?? []
  await client.query('SET LOCAL search_path = pg_catalog, pg_temp')
  const { rows } = await client.query<Relation>(RELATIONS, [TABLES])
  const location = locationIn(path, rows)
  await client.query(
    `SET LOCAL search_path ${location === undefined ? 'TO DEFAULT' : `= ${searchOnly(location.schema)}`}`,
  )
  return location
}

function locationIn(path: readonly string[], relations: readonly Relation[]): SchemaLocation | undefined {
  const marked = relations.filter(({ name }) => name === MARKER_TABLE).map(({ schema }) => schema)
  const [schema, another] = path.filter((name) => marked.includes(name))
  if (schema === undefined) return undefined
  if (another !== undefined) throw shadowed(`${schema} and ${another} both hold an audit log`)
  const earlier = path.slice(0, path.indexOf(schema))
  const shadow = relations.find((relation) => earlier.includes(relation.schema))
  if (shadow !== undefined) throw shadowed(`${shadow.schema}.${shadow.name} hides ${schema}.${shadow.name}`)
  const odd = relations.find((relation) => relation.schema === schema && !relation.plain)
  if (odd !== undefined) throw shadowed(`${odd.schema}.${odd.name} is not an ordinary table`)
  return { schema, elsewhere: marked.filter((name) => !path.includes(name)).sort() }
}

function shadowed(problem: string): AuditError {
  return new AuditError('schema_shadowed', `ambiguous search_path: ${problem}`, {
    advice: { code: 'find_shadowing_relation' },
  })
}
