import { finished } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import { AuditError } from '../errors.js'
import type { PlacedRow } from './append-placement.js'
import { CopyWriter } from './copy-writer.js'
import type { Client } from './database.js'

const COPY = `
  COPY audit_log_entry (domain_id, seq, subject_pseudonym, relation, object, reason, relation_path, caveat_context,
    correlation_id, zedtoken, recorded_at, prev_hash, entry_hash) FROM STDIN (FORMAT binary)`

/**
 * Writes rows by COPY: what Postgres stores is cut from the very bytes that were hashed, and costs it 5 µs a row less
 * than an INSERT from arrays. Rejects where a row was not stored though nothing failed: a trigger may return none, and
 * what is not there must not be acknowledged.
 */
export async function writeRows(client: Client, rows: readonly PlacedRow[]): Promise<void> {
  const writer = new CopyWriter()
  for (const { canonical, entry } of rows) writer.row(canonical, entry.prevHash, entry.entryHash)
  const stream = client.query(copyFrom(COPY))
  stream.end(writer.end())
  await finished(stream)
  if (stream.rowCount === rows.length) return
  throw new AuditError(
    'database_failed',
    `Postgres stored ${stream.rowCount} of ${rows.length} rows; nothing was appended`,
    { hint: 'a trigger on audit_log_entry withholds rows: find out who made it' },
  )
}
