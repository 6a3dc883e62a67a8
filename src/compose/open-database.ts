import { AuditError } from '../base/errors.js'
import type { Database } from '../repo/session/database.js'

/** How the embedded server of a home is started, if it does not run. */
export interface ServerStart {
  readonly signal: AbortSignal
  /** Gets the home when its server is started. */
  readonly onStart?: ((home: string) => void) | undefined
}

/** Returns the given URL. Without one, starts the embedded server of the home and returns its URL. */
export async function databaseUrl(
  url: string | undefined,
  home: string,
  { signal, onStart }: ServerStart,
): Promise<string> {
  if (url !== undefined) return url
  const { ensureEmbedded } = await import('../repo/embedded/embedded.js')
  return (await ensureEmbedded(home, { onStart, signal })).url
}

/** Opens the database with its schema in place: an embedded one is migrated, an external one is only checked. */
export async function openDatabase(
  external: string | undefined,
  home: string,
  start: ServerStart,
): Promise<Database> {
  const url = await databaseUrl(external, home, start)
  const { Database } = await import('../repo/session/database.js')
  const database = new Database(url)
  try {
    if (external === undefined) await migrateEmbedded(database, url)
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
    await migrate(url)
    await checkSchema(database)
  }
}

async function checkSchema(database: Database): Promise<void> {
  const { pinSchema } = await import('../repo/schema/schema-status.js')
  await pinSchema(database)
}

function needsMigration(error: unknown): boolean {
  return error instanceof AuditError && ['schema_missing', 'schema_outdated'].includes(error.code)
}
