import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import pg from 'pg'
import type { BenchEntry } from './input.js'

/** Inserts NDJSON from stdin by plain multi-row INSERTs into a table like audit_log_entry, with its indexes and CHECKs. */
const [url = '', domainId = ''] = process.argv.slice(2)
const BATCH = 1000
const REASONS = ['granted', 'out_of_scope', 'insufficient_relation', 'caveat_violation']

const client = new pg.Client({ connectionString: url })
await client.connect()
await client.query('DROP TABLE IF EXISTS bench_baseline')
await client.query('CREATE TABLE bench_baseline (LIKE audit_log_entry INCLUDING ALL)')

// As random as real hashes, because that decides their cost in an index; made before the measurement of a row starts.
const hashes = Array.from({ length: 4096 }, () => randomBytes(32))
const subjects = new Map<string, Buffer>()
let prevHash = Buffer.alloc(32)
let seq = 0
let values: unknown[] = []
for await (const line of createInterface({ input: process.stdin })) {
  const entry: BenchEntry = JSON.parse(line)
  seq += 1
  values.push(...row(entry))
  if (seq % BATCH === 0) await flush()
}
await flush()
await client.query('DROP TABLE bench_baseline')
await client.end()

function row(entry: BenchEntry): unknown[] {
  const entryHash = Buffer.from(hashes[seq % hashes.length] ?? '')
  entryHash.writeUInt32BE(seq, 8)
  const subject = subjects.get(entry.subject_id) ?? randomBytes(32)
  subjects.set(entry.subject_id, subject)
  const values = [
    domainId,
    seq,
    subject,
    entry.relation,
    entry.object,
    REASONS.indexOf(entry.reason) + 1,
    entry.relation_path,
    entry.caveat_context,
    entry.correlation_id,
    entry.zedtoken,
    '2026-04-28T10:00:00.000001Z',
    prevHash,
    entryHash,
  ]
  prevHash = entryHash
  return values
}

async function flush(): Promise<void> {
  if (values.length === 0) return
  const rows = values.length / 13
  const places = Array.from(
    { length: rows },
    (_, i) => `(${Array.from({ length: 13 }, (_, k) => `$${i * 13 + k + 1}`).join(',')})`,
  )
  await client.query({
    name: `insert-${rows}`,
    text: `INSERT INTO bench_baseline (domain_id, seq, subject_pseudonym, relation, object, reason, relation_path,
      caveat_context, correlation_id, zedtoken, recorded_at, prev_hash, entry_hash) VALUES ${places.join(',')}`,
    values,
  })
  values = []
}
