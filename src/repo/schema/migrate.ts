import { AuditError } from '../../base/errors.js'
import type { MigrateResult, SchemaStatus } from '../../ports/database.js'
import { type Client, Database } from '../session/database.js'
import { locateSchema } from './locate-schema.js'
import { downSql, knownMigrations, type Migration } from './migrations-files.js'
import { schemaGuards } from './schema-guards.js'
import { appliedMigrations, assertKnown } from './schema-status.js'

// This is our own code rather than node-pg-migrate, which keeps no hash of the files that it ran, fails instead of
// waiting when another run holds its lock, and costs start-up time.

/** An arbitrary key that every run shares: the ASCII letters "audt". Advisory locks are local to a database. */
const MIGRATE_LOCK = 0x61756474

/** The level is explicit: under a stricter default, a run would not see the commits of the run that held the lock before. */
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE'

/**
 * Brings the schema of a database up to date, in one transaction for each migration. Concurrent runs wait for each other.
 * Rejects with `schema_newer` or `schema_changed` and then changes nothing. If the process dies at any point, every
 * migration is applied completely or not at all.
 */
export async function migrate(url: string, known = knownMigrations()): Promise<MigrateResult> {
  return withDatabase(url, async (database) => {
    const applied: number[] = []
    const notes: string[] = []
    for (;;) {
      const next = await database.withTransaction(BEGIN, (client) => applyNext(client, known, notes))
      if (next === undefined) return { applied, version: known.length, notes }
      applied.push(next)
    }
  })
}

/** Runs the newest down migration, which raises an error. Always rejects with `down_migration_refused`. */
export async function migrateDown(url: string): Promise<never> {
  return withDatabase(url, async (database) => {
    const known = knownMigrations()
    const newest = await database.withClient(async (client) => (await appliedMigrations(client)).at(-1))
    const migration = known.find(({ version }) => version === (newest?.version ?? known.length))
    await database
      .withTransaction(BEGIN, (client) => client.query(migration ? downSql(migration) : ''))
      .catch((error: unknown) => {
        throw isRefusal(error) ? new AuditError('down_migration_refused', error.message, error) : error
      })
    throw new AuditError(
      'down_migration_refused',
      'the audit log is write-once: there are no down migrations',
    )
  })
}

/** Down migrations raise feature_not_supported. */
function isRefusal(error: unknown): error is AuditError {
  const cause = error instanceof AuditError ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === '0A000'
}

/** Reports the schema of a database. Only reads. Rejects with `schema_newer`, `schema_changed` or `schema_shadowed`. */
export async function schemaStatus(url: string): Promise<SchemaStatus> {
  return withDatabase(url, (database) => database.withClient(statusOf))
}

async function statusOf(client: Client): Promise<SchemaStatus> {
  const known = knownMigrations()
  const location = await locateSchema(client)
  const applied = await appliedMigrations(client)
  assertKnown(applied, known)
  const isCurrent = applied.length === known.length
  return {
    location,
    guards: isCurrent ? await schemaGuards(client) : undefined,
    version: applied.length,
    latest: known.length,
    pending: known.slice(applied.length).map(({ version, name }) => ({ version, name })),
    applied: applied.map(({ version, name, appliedAt }) => ({ version, name, appliedAt })),
  }
}

/** Applies the next migration and returns its version, or undefined if none is pending. */
async function applyNext(
  client: Client,
  known: readonly Migration[],
  notes: string[],
): Promise<number | undefined> {
  // The lock is taken by its own statement, so that the next one sees the commits of the run that held it before.
  await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATE_LOCK])
  const applied = await appliedMigrations(client)
  assertKnown(applied, known)
  const next = known[applied.length]
  if (next === undefined) return undefined
  await collectNotices(client, notes, () => client.query(next.sql))
  await client.query(
    `INSERT INTO audit_schema_migration (version, name, sha256) VALUES ($1, $2, decode($3, 'hex'))`,
    [next.version, next.name, next.sha256],
  )
  return next.version
}

async function collectNotices(client: Client, notes: string[], run: () => Promise<unknown>): Promise<void> {
  const collect = ({ message, hint }: { message?: string | undefined; hint?: string | undefined }) => {
    notes.push([message, hint].filter(Boolean).join('. '))
  }
  client.on('notice', collect)
  try {
    await run()
  } finally {
    client.off('notice', collect)
  }
}

async function withDatabase<T>(url: string, use: (database: Database) => Promise<T>): Promise<T> {
  const database = new Database(url, 1)
  try {
    return await use(database)
  } finally {
    await database.close()
  }
}
