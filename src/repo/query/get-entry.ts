import type { ReadEntry } from '../../ports/query.js'
import type { Client } from '../session/database.js'
import { ENTRY_COLUMNS, ENTRY_JOINS, type EntryRow, readEntry } from './entry-row.js'

/** Implements EntryReader.rowsAt. Two rows are enough to see that the seq is not unique. */
export async function getEntries(client: Client, domainId: string, seq: number): Promise<ReadEntry[]> {
  const { rows } = await client.query<EntryRow>(
    `SELECT ${ENTRY_COLUMNS} FROM audit_log_entry e ${ENTRY_JOINS}
     WHERE e.domain_id = $1 AND e.seq = $2 LIMIT 2`,
    [domainId, seq],
  )
  return rows.map(readEntry)
}
