import { finished } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import type { PlacedRow } from './append-placement.js'
import { assertStored } from './assert-stored.js'
import { CopyWriter } from './copy-writer.js'
import type { Client } from './database.js'

const COPY = `
  COPY audit_log_entry (domain_id, seq, subject_pseudonym, relation, object, reason, relation_path, caveat_context,
    correlation_id, zedtoken, recorded_at, prev_hash, entry_hash) FROM STDIN (FORMAT binary)`

/**
 * Writes rows by COPY: what Postgres stores is cut from the very bytes that were hashed, and costs it 5 µs a row less
 * than an INSERT from arrays.
 */
export async function writeRows(client: Client, rows: readonly PlacedRow[]): Promise<void> {
  const writer = new CopyWriter()
  for (const { canonical, entry } of rows) writer.row(canonical, entry.prevHash, entry.entryHash)
  const stream = client.query(copyFrom(COPY))
  stream.end(writer.end())
  await finished(stream)
  assertStored('audit_log_entry', stream.rowCount, rows.length)
}
