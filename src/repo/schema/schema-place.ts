import { AuditError } from '../../base/errors.js'
import type { Client } from '../session/database.js'

/** Where the tables of the audit log are in a database. */
export interface SchemaPlace {
  /** The one schema of this role's search_path that holds them. */
  readonly schema: string
  /** Schemas outside of the search_path that hold an audit log too. */
  readonly elsewhere: readonly string[]
}

/** By this one a schema is known to be ours. */
const MARK = 'audit_schema_migration'

/** What a verdict is made from. */
const TABLES = [
  MARK,
  'audit_domain',
  'audit_log_entry',
  'audit_log_chain_head',
  'audit_reconcile',
  'audit_restore',
  'audit_tamper_quarantine',
]

/** Names of pg_catalog in full: a search_path may lead to somebody's own functions and operators first. */
const PATH = 'SELECT pg_catalog.current_schemas(true)::pg_catalog.text[] AS path'

const RELATIONS = `
  SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind = 'r' AS plain
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relname = ANY ($1::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`

interface Relation {
  readonly schema: string
  readonly name: string
  /** An ordinary table: not a view, whose rows are whatever its author likes. */
  readonly plain: boolean
}

/**
 * Finds the one place where the names of our tables lead, and keeps this connection to it. Undefined where there is none.
 * Rejects with `schema_shadowed` where it is not one place, or is no place for ordinary tables: whoever may create
 * something in a schema that comes first would else show this role other rows than are there.
 */
export async function settlePlace(client: Client): Promise<SchemaPlace | undefined> {
  const path = (await client.query<{ path: string[] }>(PATH)).rows[0]?.path ?? []
  await client.query('SET search_path = pg_catalog, pg_temp')
  const { rows } = await client.query<Relation>(RELATIONS, [TABLES])
  const place = placeOf(path, rows)
  await client.query(place === undefined ? 'RESET search_path' : keepTo(place.schema))
  return place
}

/**
 * pg_temp last: left out it comes first, and holds tables. Where a policy hides rows from this role, that is an error for
 * every command: a row that is there must not be called missing.
 */
export function keepTo(schema: string): string {
  return `SET search_path = "${schema.replaceAll('"', '""')}", pg_temp; SET row_security = off`
}

function placeOf(path: readonly string[], relations: readonly Relation[]): SchemaPlace | undefined {
  const marked = relations.filter(({ name }) => name === MARK).map(({ schema }) => schema)
  const [schema, another] = path.filter((name) => marked.includes(name))
  if (schema === undefined) return undefined
  if (another !== undefined)
    throw shadowed(`the search_path leads to two audit logs: ${schema} and ${another}`)
  const before = path.slice(0, path.indexOf(schema))
  const shadow = relations.find((relation) => before.includes(relation.schema))
  if (shadow !== undefined)
    throw shadowed(`${shadow.schema}.${shadow.name} stands before ${schema}.${shadow.name}`)
  const odd = relations.find((relation) => relation.schema === schema && !relation.plain)
  if (odd !== undefined) throw shadowed(`${odd.schema}.${odd.name} is no ordinary table`)
  return { schema, elsewhere: marked.filter((name) => !path.includes(name)).sort() }
}

function shadowed(problem: string): AuditError {
  return new AuditError('schema_shadowed', `the audit log cannot be told from its shadow: ${problem}`, {
    hint: 'find out who made it; to read one of them: ALTER ROLE … SET search_path, or ?options=-csearch_path%3DSCHEMA in the URL',
  })
}
