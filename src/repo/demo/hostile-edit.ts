import type { Database } from '../session/database.js'

/** An edit of one row, as a hostile administrator makes it. */
export interface HostileEdit {
  readonly seq: number
  /** A short form of the statement, for people to read. */
  readonly statement: string
}

/** Turns the first denied row of a chain into a granted one, as superuser and with the triggers off. For the demo only. */
export async function editAsHostileAdmin(database: Database, domainId: string): Promise<HostileEdit> {
  return database.withTransaction('BEGIN', async (client) => {
    await client.query('SET LOCAL session_replication_role = replica')
    const { rows } = await client.query<{ seq: string }>(
      `UPDATE audit_log_entry SET reason = 1 WHERE domain_id = $1 AND seq =
         (SELECT min(seq) FROM audit_log_entry WHERE domain_id = $1 AND reason = 3) RETURNING seq`,
      [domainId],
    )
    const seq = Number(rows[0]?.seq)
    return { seq, statement: `UPDATE audit_log_entry SET reason = 1 (granted) WHERE seq = ${seq}` }
  })
}
