import { AuditError } from '../../base/errors.js'
import type { MigrateResult, SchemaStatus } from '../../ports/database.js'
import { type Client, Database, type DatabaseOptions } from '../session/database.js'
import { undone } from '../session/end-state.js'
import { SNAPSHOT_BEGIN } from '../session/snapshot.js'
import { lockWithoutArchiver, STAMPS } from './archiver-running.js'
import { locateSchema } from './locate-schema.js'
import { downSql, knownMigrations, type Migration } from './migrations-files.js'
import { FINGERPRINTS, reopened } from './reopened.js'
import { schemaGuards } from './schema-guards.js'
import { appliedMigrations, assertKnown } from './schema-status.js'

// This is our own code rather than node-pg-migrate, which keeps no hash of the files that it ran, fails instead of
// waiting when another run holds its lock, and costs start-up time.

/** Conflicts with itself and with no reader. Only a role that may change the table can take it. */
const LOCK = 'LOCK TABLE audit_schema_migration IN SHARE ROW EXCLUSIVE MODE'

/**
 * With these, CREATE TABLE fails if another run has created the table meanwhile: unique_violation in the catalog,
 * duplicate_object for the type of its rows, and duplicate_table.
 */
const TAKEN: readonly unknown[] = ['23505', '42710', '42P07']

/** The level is explicit: under a stricter default, a run would not see the commits of the run that held the lock before. */
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE'

/**
 * Brings the schema of a database up to date, in one transaction for each migration. Concurrent runs wait for each other.
 * Rejects with `schema_newer`, `schema_changed` or `archiver_running` and then changes nothing. If the process dies at any point, every
 * migration is applied completely or not at all.
 */
export async function migrate(
  url: string,
  known = knownMigrations(),
  options: DatabaseOptions = {},
): Promise<MigrateResult> {
  return withDatabase(url, options, async (database) => {
    const applied: number[] = []
    const notes: string[] = []
    const apply = () =>
      database.withTransaction(BEGIN, (client) => applyNext(client, known, notes, applied.at(-1)))
    for (let turn = 0; ; turn += 1) {
      // There is no lock before the first table exists. A run that loses the race for that table begins again, once.
      const next = await apply().catch((error: unknown) => {
        if (turn === 0 && isTaken(error)) return apply()
        throw error
      })
      if (next === undefined) return { applied, version: known.length, notes }
      applied.push(next)
    }
  })
}

function isTaken(error: unknown): boolean {
  const cause = error instanceof AuditError ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && TAKEN.includes(cause.code)
}

/** Runs the newest down migration, which raises an error. Always rejects with `down_migration_refused`. */
export async function migrateDown(url: string, options: DatabaseOptions = {}): Promise<never> {
  return withDatabase(url, options, async (database) => {
    const known = knownMigrations()
    const newest = await database.read(async (client) => (await appliedMigrations(client)).at(-1))
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

/** Down migrations raise feature_not_supported. So does BEGIN on a standby, which is `database_read_only`. */
function isRefusal(error: unknown): error is AuditError {
  if (!(error instanceof AuditError) || error.code === 'database_read_only') return false
  const { cause } = error
  return cause instanceof Error && 'code' in cause && cause.code === '0A000'
}

/** Reports the schema of a database. Only reads. Rejects with `schema_newer`, `schema_changed` or `schema_shadowed`. */
export async function schemaStatus(url: string, options: DatabaseOptions = {}): Promise<SchemaStatus> {
  return withDatabase(url, options, (database) => database.withTransaction(SNAPSHOT_BEGIN, statusOf))
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

/**
 * Applies the next migration and returns its version, or undefined if none is pending. Reads back the record of the one
 * that this run applied before, `last`: without it, the same migration would run again.
 */
async function applyNext(
  client: Client,
  known: readonly Migration[],
  notes: string[],
  last = 0,
): Promise<number | undefined> {
  // A role that may change nothing can still find that nothing is to be done.
  const pending = await nextOf(client, known, last)
  if (pending === undefined) return undefined
  // The lock is taken by its own statement, so that the next one sees the commits of the run that held it before.
  if (pending.version > 1) await client.query(LOCK)
  const next = await nextOf(client, known, last)
  if (next === undefined) return undefined
  if (next.version === STAMPS) await lockWithoutArchiver(client)
  await collectNotices(client, notes, () => client.query(next.sql))
  if (next.version === FINGERPRINTS) notes.push(...(await reopened(client)))
  await client.query(
    `INSERT INTO audit_schema_migration (version, name, sha256) VALUES ($1, $2, decode($3, 'hex'))`,
    [next.version, next.name, next.sha256],
  )
  return next.version
}

async function nextOf(
  client: Client,
  known: readonly Migration[],
  last: number,
): Promise<Migration | undefined> {
  const applied = await appliedMigrations(client)
  assertKnown(applied, known)
  if (applied.length < last) throw undone(`migration ${last}`, 'its record was not there')
  return known[applied.length]
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

async function withDatabase<T>(
  url: string,
  options: DatabaseOptions,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  const database = new Database(url, 1, options)
  try {
    return await use(database)
  } finally {
    await database.close()
  }
}
