import type { GuardStatus } from '../../ports/database.js'
import type { Client } from '../session/database.js'
import { knownMigrations } from './migrations-files.js'

const CREATE_TABLE = /^CREATE TABLE (\w+) \(\n([\s\S]*?)\n\);/gm
const CONSTRAINT = /^ {2}CONSTRAINT (\w+)/gm
const COLUMN = /^ {2}(?!CONSTRAINT\b)(\w+) .*\b(NOT NULL|PRIMARY KEY)\b/gm
const TRIGGER = /^(CREATE|DROP) TRIGGER (\w+)[^;]*? ON (\w+)/gm
const UNIQUE_INDEX = /^CREATE UNIQUE INDEX (\w+) ON (\w+)/gm
const ALTERED = /^ALTER TABLE (\w+)\s+(ADD|DROP) CONSTRAINT (\w+)/gm

/**
 * Returns the guards that the migrations create. They are parsed from the SQL files, which share one form, so that the
 * guards of later migrations are included.
 */
function expectedGuards(files: readonly string[] = knownMigrations().map(({ sql }) => sql)): string[] {
  const expected = new Set<string>()
  for (const file of files) {
    const sql = file.replaceAll(/^ *--.*\n/gm, '')
    for (const [, table = '', body = ''] of sql.matchAll(CREATE_TABLE)) addTable(expected, table, body)
    for (const [, index, table] of sql.matchAll(UNIQUE_INDEX)) expected.add(`${table}: index ${index}`)
    for (const [, table, verb, name] of sql.matchAll(ALTERED))
      change(expected, verb, `${table}: constraint ${name}`)
    for (const [, verb, name, table] of sql.matchAll(TRIGGER))
      change(expected, verb, `${table}: trigger ${name}`)
  }
  return [...expected].sort()
}

function addTable(expected: Set<string>, table: string, body: string): void {
  for (const [, name] of body.matchAll(CONSTRAINT)) expected.add(`${table}: constraint ${name}`)
  for (const [, column, rule] of body.matchAll(COLUMN)) {
    expected.add(`${table}: NOT NULL ${column}`)
    if (rule === 'PRIMARY KEY') expected.add(`${table}: constraint ${table}_pkey`)
  }
}

function change(expected: Set<string>, verb: string | undefined, guard: string): void {
  if (verb === 'DROP') expected.delete(guard)
  else expected.add(guard)
}

/** `weak`: the guard exists, but does not hold in every session or for every row. */
const PRESENT = `
  WITH tables AS (
    SELECT oid, relname::text AS name FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r'
  )
  SELECT t.name || ': constraint ' || c.conname AS guard, NOT c.convalidated AS weak
    FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid
  UNION ALL SELECT t.name || ': trigger ' || g.tgname, g.tgenabled NOT IN ('O', 'A')
    FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal
  UNION ALL SELECT t.name || ': index ' || c.relname, NOT i.indisvalid
    FROM tables t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indisunique
  UNION ALL SELECT t.name || ': NOT NULL ' || a.attname, false
    FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attnotnull AND a.attnum > 0`

const ON_TABLES = `
  WITH tables AS (
    SELECT oid, relname::text AS name FROM pg_class WHERE relnamespace = $1::regnamespace AND relname = ANY ($2::text[])
  )
  SELECT t.name || ': trigger ' || g.tgname AS guard
    FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal
  UNION ALL SELECT t.name || ': rule ' || r.rulename FROM tables t JOIN pg_rewrite r ON r.ev_class = t.oid
  UNION ALL SELECT t.name || ': policy ' || p.polname FROM tables t JOIN pg_policy p ON p.polrelid = t.oid
  UNION ALL SELECT t.name || ': inherited table ' || c.relname
    FROM tables t JOIN pg_inherits i ON i.inhparent = t.oid JOIN pg_class c ON c.oid = i.inhrelid
  ORDER BY 1`

/** Compares the guards in the current schema of this connection with the expected ones. Only reads. */
export async function schemaGuards(client: Client, expected = expectedGuards()): Promise<GuardStatus> {
  const { rows: at } = await client.query<{ schema: string }>(
    'SELECT quote_ident(current_schema()) AS schema',
  )
  const { rows } = await client.query<{ guard: string; weak: boolean }>(PRESENT, [at[0]?.schema])
  const tables = [...new Set(expected.map((guard) => guard.split(':', 1)[0]))]
  const { rows: on } = await client.query<{ guard: string }>(ON_TABLES, [at[0]?.schema, tables])
  const present = new Map(rows.map(({ guard, weak }) => [guard, weak]))
  return {
    missing: expected.filter((guard) => !present.has(guard)),
    disabled: expected.filter((guard) => present.get(guard) === true),
    added: on.map(({ guard }) => guard).filter((guard) => !expected.includes(guard)),
  }
}
