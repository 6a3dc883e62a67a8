import type { EmbeddedStatus, MigrateResult, SchemaStatus } from '../ports/database.js'
import type { Database } from '../repo/session/database.js'
import type { Context } from './context.js'

/** Brings the schema of any database up to date, an external one too. */
export async function migrateDatabase(context: Context): Promise<MigrateResult> {
  const { migrate } = await import('../repo/schema/migrate.js')
  return migrate(await context.databaseUrl())
}

/** Rejects with `down_migration_refused`, or with the database's error. */
export async function migrateDatabaseDown(context: Context): Promise<never> {
  const { migrateDown } = await import('../repo/schema/migrate.js')
  return migrateDown(await context.databaseUrl())
}

export async function schemaStatusOf(context: Context): Promise<SchemaStatus> {
  const { schemaStatus } = await import('../repo/schema/migrate.js')
  return schemaStatus(await context.databaseUrl())
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
  const { location } = await context.database()
  const { Database } = await import('../repo/session/database.js')
  const database = new Database(await context.databaseUrl(), pool.connections, pool.queryTimeout)
  if (location !== undefined) database.pinTo(location)
  context.onClose(() => database.close())
  return database
}
