import { AuditError } from '../base/errors.js'
import type { Database } from '../repo/session/database.js'

/** How the embedded server of a home is started, if it does not run. */
export interface ServerStart {
  readonly signal: AbortSignal
  /** Whether a home without a database gets one. */
  readonly mayCreateHome: boolean
  /** Is called before a home is created. Rejects for settings that no log could be begun with. */
  readonly beforeCreate?: (() => Promise<void>) | undefined
  /** Gets the home when its server is started. */
  readonly onStart?: ((home: string) => void) | undefined
}

/**
 * Returns the given URL. Without one, starts the embedded server of the home and returns its URL. Rejects with
 * `database_not_configured` for a home without a database, unless it may be created.
 */
export async function databaseUrl(
  url: string | undefined,
  home: string,
  { signal, onStart, mayCreateHome, beforeCreate }: ServerStart,
): Promise<string> {
  if (url !== undefined) return url
  const { ensureEmbedded, hasDatabase } = await import('../repo/embedded/embedded.js')
  if (!(await hasDatabase(home))) {
    if (!mayCreateHome) throw notConfigured(home)
    await beforeCreate?.()
  }
  return (await ensureEmbedded(home, { onStart, signal })).url
}

interface DatabaseSettings {
  readonly databaseUrl?: string | undefined
  readonly lockTimeout?: number | undefined
}

/** Opens the database with its schema in place: an embedded one is migrated, an external one is only checked. */
export async function openDatabase(
  { databaseUrl: external, lockTimeout }: DatabaseSettings,
  home: string,
  start: ServerStart,
): Promise<Database> {
  const url = await databaseUrl(external, home, start)
  const { Database } = await import('../repo/session/database.js')
  const isEmbedded = external === undefined
  const database = new Database(url, undefined, { isEmbedded, lockTimeout })
  try {
    if (isEmbedded) await migrateEmbedded(database, url)
    else await checkSchema(database)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

async function migrateEmbedded(database: Database, url: string): Promise<void> {
  try {
    await checkSchema(database)
  } catch (error) {
    if (!needsMigration(error)) throw error
    const { migrate } = await import('../repo/schema/migrate.js')
    await migrate(url, undefined, { isEmbedded: true })
    await checkSchema(database)
  }
}

async function checkSchema(database: Database): Promise<void> {
  const { pinSchema } = await import('../repo/schema/schema-status.js')
  await pinSchema(database)
}

/** Returns the error for a home without a database. */
export function notConfigured(home: string): AuditError {
  return new AuditError(
    'database_not_configured',
    `no database is given, and there is none in the home ${home}`,
    {
      advice: { code: 'configure_database' },
    },
  )
}

function needsMigration(error: unknown): boolean {
  return error instanceof AuditError && ['schema_missing', 'schema_outdated'].includes(error.code)
}
