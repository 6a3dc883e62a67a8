import type { Client } from '../session/database.js'
import { copyIn } from '../wire/copy-in.js'
import { CopyWriter } from '../wire/copy-writer.js'
import { HeadRace } from './append-chains.js'
import type { PlacedRow, Placement } from './append-placement.js'
import { advanceOf } from './append-rows.js'
import { assertStored } from './assert-stored.js'

const COPY = `
  COPY audit_log_entry (domain_id, seq, subject_pseudonym, relation, object, reason, relation_path, caveat_context,
    correlation_id, zedtoken, recorded_at, prev_hash, entry_hash) FROM STDIN (FORMAT binary)`

/** Bytes that are sent to the server while the following rows are still being encoded. */
const SLICE = 32 * 1024

/**
 * Advances the heads and writes the rows of a placement by COPY, in one round trip. The stored fields are copied from the
 * bytes that were hashed. COPY costs the server 5 µs a row less than an INSERT from arrays.
 */
export async function writeRows(client: Client, placement: Placement): Promise<void> {
  const { rows } = placement
  const advance = advanceOf(placement)
  const first = advance && { text: advance.text, rows: advance.heads, otherwise: () => new HeadRace() }
  assertStored('audit_log_entry', await copyIn(client, COPY, slicesOf(rows), first), rows.length)
}

function* slicesOf(rows: readonly PlacedRow[]): Generator<Buffer> {
  const writer = new CopyWriter()
  for (const { canonical, entry } of rows) {
    writer.row(canonical, entry.prevHash, entry.entryHash)
    if (writer.size >= SLICE) yield writer.take()
  }
  yield writer.end()
}
