import { AuditError } from '../../../base/errors.js'
import { locateSchema } from '../../schema/locate-schema.js'
import { assertSchema } from '../../schema/schema-status.js'
import type { Client, Database } from '../../session/database.js'

/** Where the tables of the log are, as the connections of the sink find them. */
export interface CallerTarget {
  readonly schema: string
  /** The identifier of the cluster and the name of the database. A standby has those of its primary. */
  readonly database: string
}

/** An SQL expression for {@link CallerTarget.database}. */
export const DATABASE =
  "pg_catalog.concat((pg_catalog.pg_control_system()).system_identifier, '/', pg_catalog.current_database())"

/** Finds the tables with a connection of the sink. Rejects as the check of the schema does. */
export function findTarget(database: Database): Promise<CallerTarget> {
  return database.read(async (client) => {
    const location = await locateSchema(client)
    await assertSchema(client)
    if (location === undefined) throw new AuditError('schema_missing', 'the database has no schema')
    return { schema: location.schema, database: await databaseOf(client) }
  })
}

async function databaseOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ database: string }>(`SELECT ${DATABASE} AS database`)
  return rows[0]?.database ?? ''
}
