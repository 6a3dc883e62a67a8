import type { Context } from '../../compose/context.js'
import type { EmbeddedStatus } from '../../repo/embedded/embedded.js'
import type { MigrateResult, SchemaStatus } from '../../repo/schema/migrate.js'
import { CommandError } from '../shell/command-error.js'

/** What `audit db status` tells: of the server, where it is our own, and of the schema, where it can be asked. */
export interface DatabaseStatus {
  readonly server?: EmbeddedStatus | undefined
  readonly schema?: SchemaStatus | undefined
}

/** Brings any database up to date, an external one too: this is the command that is asked to. */
export async function migrateDatabase(context: Context): Promise<MigrateResult> {
  const { migrate } = await import('../../repo/schema/migrate.js')
  return migrate(await context.databaseUrl())
}

/** Always rejects; with `down_migration_refused` when the database was asked. */
export async function migrateDatabaseDown(context: Context): Promise<never> {
  const { migrateDown } = await import('../../repo/schema/migrate.js')
  return migrateDown(await context.databaseUrl())
}

/** Starts nothing: of our own server that is stopped, only that is told. */
export async function databaseStatus(context: Context): Promise<DatabaseStatus> {
  if (!context.embedded) return { schema: await schemaOf(context) }
  const { embeddedStatus } = await import('../../repo/embedded/embedded.js')
  const server = await embeddedStatus(context.home)
  return { server, schema: server.running ? await schemaOf(context) : undefined }
}

/** The superuser's URL of our own server, started and its schema in place. It holds no password. */
export async function ownDatabaseUrl(context: Context): Promise<string> {
  refuseExternal(context)
  await context.database()
  return context.databaseUrl()
}

/** Whether it ran. */
export async function stopOwnDatabase(context: Context): Promise<boolean> {
  refuseExternal(context)
  const { stopEmbedded } = await import('../../repo/embedded/embedded.js')
  return stopEmbedded(context.home)
}

async function schemaOf(context: Context): Promise<SchemaStatus> {
  const { schemaStatus } = await import('../../repo/schema/migrate.js')
  return schemaStatus(await context.databaseUrl())
}

function refuseExternal(context: Context): void {
  if (context.embedded) return
  const message = 'this command is for the PostgreSQL of its own, and another one is given'
  throw new CommandError('usage', message, 'leave out --database-url, and unset AUDIT_DATABASE_URL')
}
