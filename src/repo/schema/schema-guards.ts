import type { GuardStatus } from '../../ports/database.js'
import type { Client } from '../session/database.js'
import { expectedObjects, type SchemaObject, schemaObjects } from './schema-objects.js'
import { triggerSettings } from './trigger-settings.js'

/** What others can add to the tables. Their triggers, indexes and constraints are found among the objects. */
const ON_TABLES = `
  WITH tables AS (
    SELECT oid, relname::text AS name, relrowsecurity FROM pg_class
    WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relname = ANY ($1::text[]) AND relkind = 'r'
  )
  SELECT t.name || ': rule ' || r.rulename AS guard FROM tables t JOIN pg_rewrite r ON r.ev_class = t.oid
  UNION ALL SELECT t.name || ': policy ' || p.polname FROM tables t JOIN pg_policy p ON p.polrelid = t.oid
  UNION ALL SELECT t.name || ': row level security' FROM tables t WHERE t.relrowsecurity
  UNION ALL SELECT t.name || ': inherited table ' || c.relname
    FROM tables t JOIN pg_inherits i ON i.inhparent = t.oid JOIN pg_class c ON c.oid = i.inhrelid`

const EXPOSED = `
  WITH relations AS (
    SELECT oid, relname::text AS name, relacl FROM pg_class
    WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relname = ANY ($1::text[])
  )
  SELECT r.name || ': ' || g.privilege_type AS guard FROM relations r CROSS JOIN aclexplode(r.relacl) g WHERE g.grantee = 0
  UNION ALL SELECT r.name || ': ' || g.privilege_type || ' of column ' || a.attname
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid CROSS JOIN aclexplode(a.attacl) g WHERE g.grantee = 0
  UNION ALL SELECT 'function ' || p.oid::regprocedure::text || ': ' || g.privilege_type
    FROM pg_proc p CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
    WHERE p.pronamespace = quote_ident(current_schema())::regnamespace AND g.grantee = 0
      AND 'function ' || p.oid::regprocedure::text = ANY ($2::text[])
  ORDER BY 1`

/** PostgreSQL 15 and later can let roles set a parameter of superusers. */
const EXPOSED_PARAMETER = `
  SELECT 'parameter ' || p.parname || ': ' || g.privilege_type AS guard
  FROM pg_parameter_acl p CROSS JOIN aclexplode(p.paracl) g
  WHERE p.parname = 'session_replication_role' AND g.grantee = 0`

/**
 * Compares the objects in the current schema with those that the migrations create. Only reads. The caller runs a
 * transaction whose search_path the schema leads.
 */
export async function schemaGuards(
  client: Client,
  expected = expectedObjects().objects,
): Promise<GuardStatus> {
  const objects = await schemaObjects(client)
  const names = Object.keys(expected)
  const present = new Map(objects.map((object) => [object.name, object]))
  return {
    missing: names.filter((name) => !present.has(name)),
    disabled: objects.filter(({ name, works }) => name in expected && !works).map(({ name }) => name),
    altered: objects.flatMap((object) => difference(object, expected[object.name])),
    exposed: await exposed(client, names),
    settings: (await triggerSettings(client)).map(
      ({ place, value }) => `${place}: session_replication_role ${value}`,
    ),
    added: await added(client, objects, expected),
  }
}

/** Only short definitions are shown: those of columns and of tables. */
function difference({ name, definition, also }: SchemaObject, expected: string | undefined): string[] {
  if (expected === undefined || definition === expected || also.includes(expected)) return []
  return [/: (column|storage)\b/.test(name) ? `${name}: expected ${expected}, got ${definition}` : name]
}

async function exposed(client: Client, names: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ guard: string }>(EXPOSED, [relationsOf(names), names])
  const { rows: at } = await client.query<{ any: boolean }>(
    `SELECT to_regclass('pg_catalog.pg_parameter_acl') IS NOT NULL AS any`,
  )
  const parameters = at[0]?.any ? await client.query<{ guard: string }>(EXPOSED_PARAMETER) : { rows: [] }
  return [...rows, ...parameters.rows].map(({ guard }) => `${guard} for PUBLIC`)
}

async function added(
  client: Client,
  objects: readonly SchemaObject[],
  expected: Readonly<Record<string, string>>,
): Promise<string[]> {
  const tables = relationsOf(Object.keys(expected))
  const { rows } = await client.query<{ guard: string }>(ON_TABLES, [tables])
  const foreign = objects
    .map(({ name }) => name)
    .filter((name) => /^\S+: (trigger|index|constraint) /.test(name) && !(name in expected))
    .filter((name) => tables.includes(name.split(':', 1)[0] ?? ''))
  return [...foreign, ...rows.map(({ guard }) => guard)].sort()
}

function relationsOf(names: readonly string[]): string[] {
  return [...new Set(names.filter((name) => name.includes(': ')).map((name) => name.split(':', 1)[0] ?? ''))]
}
