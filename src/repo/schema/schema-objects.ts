import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../session/database.js'
import { migrationsFolder } from './migrations-files.js'

/** An object of the schema that guards the log: a column, a constraint, a trigger, a function … */
export interface SchemaObject {
  /** Such as `audit_log_entry: column relation`. */
  readonly name: string
  readonly definition: string
  /** Other definitions that mean the same in this database: a collation may be the default of the cluster. */
  readonly also: readonly string[]
  /** Whether the object holds in every session and for every row. */
  readonly works: boolean
}

/** The text of a definition depends on these settings, which a database or a role may have. */
const ONE_SPELLING = `
  SET LOCAL quote_all_identifiers = off; SET LOCAL standard_conforming_strings = on; SET LOCAL bytea_output = hex;
  SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL TimeZone = 'UTC'`

/**
 * Every object in the current schema, with its definition as PostgreSQL prints it. Versions 14 to 18 print the same text.
 * The names in it are unqualified because the schema leads the search_path. Long texts are hashed.
 */
const OBJECTS = `
  WITH relations AS (
    SELECT oid, relname::text AS name, relkind, relpersistence, relrowsecurity FROM pg_class
    WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  ),
  columns AS (
    SELECT r.name || ': column ' || a.attname AS name,
      format_type(a.atttypid, a.atttypmod) || CASE a.attgenerated WHEN '' THEN '' ELSE ' GENERATED' END
        || CASE a.attidentity WHEN '' THEN '' ELSE ' IDENTITY' END
        || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') AS type,
      CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || quote_ident(c.collname) ELSE '' END AS collated,
      a.attcollation <> 0 AND (c.collname = 'default' OR b.libc AND c.collprovider = 'c' AND c.collcollate = b.datcollate)
        AS by_default,
      b.libc AND b.datcollate IN ('C', 'POSIX') AS by_bytes
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_collation c ON c.oid = a.attcollation
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    CROSS JOIN (SELECT datcollate, coalesce(to_jsonb(pg_database) ->> 'datlocprovider', 'c') = 'c' AS libc
                FROM pg_database WHERE datname = current_database()) b
    WHERE r.relkind <> 'S'
  )
  SELECT name, type || collated AS definition,
    CASE WHEN by_default AND by_bytes THEN ARRAY[type, type || ' COLLATE "C"'] WHEN by_default THEN ARRAY[type]
      ELSE '{}'::text[] END AS also,
    true AS works
    FROM columns
  UNION ALL SELECT name || ': storage', CASE relpersistence WHEN 'p' THEN '' WHEN 'u' THEN 'UNLOGGED ' ELSE 'TEMPORARY ' END
    || CASE relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'relation of kind ' || relkind::text END,
    '{}', true FROM relations
  UNION ALL SELECT r.name || ': NOT NULL ' || a.attname, '', '{}', true
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnotnull AND a.attnum > 0 WHERE r.relkind <> 'S'
  UNION ALL SELECT r.name || ': constraint ' || c.conname, replace(pg_get_constraintdef(c.oid, true), ' NOT VALID', ''), '{}',
    c.convalidated AND coalesce(i.indisvalid AND i.indisready AND i.indislive, true)
    FROM relations r JOIN pg_constraint c ON c.conrelid = r.oid LEFT JOIN pg_index i ON i.indexrelid = c.conindid
    WHERE c.contype NOT IN ('n', 't')
  UNION ALL SELECT r.name || ': index ' || c.relname, pg_get_indexdef(c.oid, 0, true), '{}',
    i.indisvalid AND i.indisready AND i.indislive
    FROM relations r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class c ON c.oid = i.indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)
  UNION ALL SELECT r.name || ': trigger ' || g.tgname, pg_get_triggerdef(g.oid, true), '{}', g.tgenabled IN ('O', 'A')
    FROM relations r JOIN pg_trigger g ON g.tgrelid = r.oid WHERE NOT g.tgisinternal
  UNION ALL SELECT name || ': view', encode(sha256(convert_to(pg_get_viewdef(oid, true), 'UTF8')), 'hex'), '{}', true
    FROM relations WHERE relkind = 'v'
  UNION ALL SELECT 'function ' || p.oid::regprocedure::text, encode(sha256(convert_to(concat_ws(E'\\n', l.lanname, p.prokind,
    p.prosecdef, p.provolatile, p.proisstrict, p.proretset, format_type(p.prorettype, NULL),
    replace(array_to_string(p.proconfig, E'\\n'), 'search_path=' || quote_ident(current_schema()) || ',', 'search_path=HERE,'),
    p.prosrc, pg_get_function_sqlbody(p.oid)), 'UTF8')), 'hex'), '{}', true
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = quote_ident(current_schema())::regnamespace
  ORDER BY 1`

/** Reads the objects of the current schema. The caller runs a transaction whose search_path this schema leads. */
export async function schemaObjects(client: Client): Promise<SchemaObject[]> {
  await client.query(ONE_SPELLING)
  return (await client.query<SchemaObject>(OBJECTS)).rows
}

/** The objects that the migrations create, as bin/schema-objects.js wrote them after it had applied the migrations. */
export interface ExpectedObjects {
  /** The hash of the migrations that were applied. */
  readonly migrations: string
  readonly objects: Readonly<Record<string, string>>
}

export const OBJECTS_FILE = 'objects.json'

export function expectedObjects(folder = migrationsFolder()): ExpectedObjects {
  return JSON.parse(readFileSync(join(folder, OBJECTS_FILE), 'utf8')) as ExpectedObjects
}
