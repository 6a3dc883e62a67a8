import type { EmbeddedStatus, MigrateResult, SchemaStatus } from '../ports/database.js'
import type { Database } from '../repo/session/database.js'
import type { Context } from './context.js'
import { notConfigured } from './open-database.js'

/** Returns whether the database of the context is that of a home that has none yet. */
export async function isHomeWithoutDatabase(context: Context): Promise<boolean> {
  if (!context.embedded) return false
  const { hasDatabase } = await import('../repo/embedded/embedded.js')
  return !(await hasDatabase(context.home))
}

/** Rejects with `database_not_configured` for a home without a database. */
export async function assertHasDatabase(context: Context): Promise<void> {
  if (await isHomeWithoutDatabase(context)) throw notConfigured(context.home)
}

/** Brings the schema of any database up to date, an external one too. */
export async function migrateDatabase(context: Context): Promise<MigrateResult> {
  const { migrate } = await import('../repo/schema/migrate.js')
  const { lockTimeout } = context.settings
  return migrate(await context.databaseUrl(), undefined, { isEmbedded: context.embedded, lockTimeout })
}

/** Rejects with `down_migration_refused`, or with the database's error. */
export async function migrateDatabaseDown(context: Context): Promise<never> {
  const { migrateDown } = await import('../repo/schema/migrate.js')
  return migrateDown(await context.databaseUrl(), { isEmbedded: context.embedded })
}

export async function schemaStatusOf(context: Context): Promise<SchemaStatus> {
  const { schemaStatus } = await import('../repo/schema/migrate.js')
  return schemaStatus(await context.databaseUrl(), { isEmbedded: context.embedded })
}

/** Returns the state of the embedded server of the home. Starts nothing. */
export async function embeddedStatusOf(context: Context): Promise<EmbeddedStatus> {
  const { embeddedStatus } = await import('../repo/embedded/embedded.js')
  return embeddedStatus(context.home)
}

/** Stops the embedded server of the home. Resolves to whether the server was running. */
export async function stopEmbeddedServer(context: Context): Promise<boolean> {
  const { stopEmbedded } = await import('../repo/embedded/embedded.js')
  return stopEmbedded(context.home)
}

/**
 * Opens a separate pool whose queries never wait for other work. `queryTimeout`: milliseconds until a statement without an
 * answer times out. The pool closes with the context.
 */
export async function openSidePool(
  context: Context,
  pool: { readonly connections: number; readonly queryTimeout: number },
): Promise<Database> {
  // Checks the schema, or migrates an embedded database.
  const { url, location, ...options } = (await context.database()).site
  const { Database } = await import('../repo/session/database.js')
  const { connections, queryTimeout } = pool
  const database = new Database(url, connections, { ...options, queryTimeout })
  if (location !== undefined) database.pinTo(location)
  context.onClose(() => database.close())
  return database
}
