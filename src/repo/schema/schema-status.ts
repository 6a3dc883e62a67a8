import { AuditError } from '../../base/errors.js'
import type { AppliedMigration } from '../../ports/database.js'
import type { Client, Database } from '../session/database.js'
import { databaseError } from '../session/database-error.js'
import { newerSchema } from '../session/newer-schema.js'
import { assertColumnTypes } from './column-types.js'
import { locateSchema, TABLES } from './locate-schema.js'
import { knownMigrations, type Migration } from './migrations-files.js'

const APPLIED = `
  SELECT version, name, encode(sha256, 'hex') AS sha256,
    to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "appliedAt"
  FROM audit_schema_migration ORDER BY version`

/** Returns the migrations that were applied, none for a database without the schema. */
export async function appliedMigrations(client: Client): Promise<AppliedMigration[]> {
  const { rows } = await client.query<{ there: boolean }>(
    `SELECT to_regclass('audit_schema_migration') IS NOT NULL AS there`,
  )
  if (rows[0]?.there !== true) return []
  return (await client.query<AppliedMigration>(APPLIED)).rows
}

/**
 * Rejects with `schema_missing`, `schema_outdated`, `schema_newer` or `schema_changed` unless the database has exactly the
 * schema of this program. A missing table aborts the transaction, so nothing can follow a rejection.
 */
export async function assertSchema(client: Client, known = knownMigrations()): Promise<void> {
  const applied = await client
    .query<AppliedMigration>(APPLIED)
    .then(({ rows }) => rows)
    .catch((error: unknown) => {
      throw databaseError(error)
    })
  assertKnown(applied, known)
  if (applied.length === known.length) return
  const [code, state] =
    applied.length === 0
      ? (['schema_missing', 'has no schema'] as const)
      : (['schema_outdated', `has schema ${applied.length}, this program needs ${known.length}`] as const)
  throw new AuditError(code, `the database ${state}`, { advice: { code: 'migrate' } })
}

/**
 * Checks the schema as {@link assertSchema} does, and restricts every later transaction of the database to the schema
 * that was checked. Also rejects with `schema_shadowed` and `schema_altered`.
 */
export async function pinSchema(database: Database): Promise<void> {
  await database.read(async (client) => {
    const location = await locateSchema(client)
    const known = knownMigrations()
    await assertSchema(client, known)
    await assertColumnTypes(client, TABLES)
    if (location !== undefined) database.pinTo({ ...location, version: known.length })
  })
}

/** Throws `schema_newer` or `schema_changed` if a newer program, or another file, was applied. */
export function assertKnown(applied: readonly AppliedMigration[], known: readonly Migration[]): void {
  const newest = applied.at(-1)?.version ?? 0
  if (newest > known.length) throw newerSchema(newest, known.length)
  for (const [i, migration] of applied.entries()) assertSame(migration, known[i])
}

function assertSame(applied: AppliedMigration, known: Migration | undefined): void {
  if (applied.version === known?.version && applied.sha256 === known.sha256) return
  throw new AuditError(
    'schema_changed',
    `migration ${applied.name} was applied from a file with sha256 ${applied.sha256}, ` +
      `this program has ${known?.sha256 ?? 'none'}`,
    {
      advice: { code: 'use_unmodified_build' },
    },
  )
}
