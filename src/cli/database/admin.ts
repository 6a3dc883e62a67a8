import type { Context } from '../../compose/context.js'
import { embeddedStatusOf, schemaStatusOf, stopEmbeddedServer } from '../../compose/database.js'
import type { EmbeddedStatus, SchemaStatus } from '../../ports/database.js'
import { CommandError } from '../shell/command-error.js'

/** What `audit db status` prints: the embedded server, and the schema if the database can be reached. */
export interface DatabaseStatus {
  /** Absent for an external database. */
  readonly server?: EmbeddedStatus | undefined
  readonly schema?: SchemaStatus | undefined
}

/** Starts nothing: the schema of a stopped embedded server is left out. */
export async function databaseStatus(context: Context): Promise<DatabaseStatus> {
  if (!context.embedded) return { schema: await schemaStatusOf(context) }
  const server = await embeddedStatusOf(context)
  return { server, schema: server.running ? await schemaStatusOf(context) : undefined }
}

/** Returns the superuser's URL of the embedded server, started and with its schema. The URL holds no password. */
export async function ownDatabaseUrl(context: Context): Promise<string> {
  refuseExternal(context)
  await context.database()
  return context.databaseUrl()
}

/** Stops the embedded server; resolves to whether it ran. */
export async function stopOwnDatabase(context: Context): Promise<boolean> {
  refuseExternal(context)
  return stopEmbeddedServer(context)
}

function refuseExternal(context: Context): void {
  if (context.embedded) return
  const message = 'this command is for the embedded PostgreSQL, and another database is given'
  throw new CommandError('usage', message, 'leave out --database-url, and unset AUDIT_DATABASE_URL')
}
