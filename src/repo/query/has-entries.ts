import type { Database } from '../session/database.js'

/** Returns whether any chain of the database has a row. */
export async function hasEntries(database: Database): Promise<boolean> {
  return database.read(async (client) => {
    const { rows } = await client.query<{ any: boolean }>(
      'SELECT EXISTS (SELECT FROM audit_log_entry) AS any',
    )
    return rows[0]?.any === true
  })
}
