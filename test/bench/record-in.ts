import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { type AuditSink, createSink } from '../../src/compose/create-sink.js'
import { unchecked } from './input.js'
import { type Bench, createDomain, median, report } from './subject.js'

const ROUNDS = 5

/**
 * Measures transactions with one business row and one audit row, by one caller: with `sink.recordIn`, and with a plain
 * INSERT of a like row, in turns.
 */
export async function benchRecordIn(bench: Bench, transactions: number): Promise<void> {
  const domainId = await createDomain(bench.home)
  const pepper = pathToFileURL(join(bench.home, 'pepper.key')).href
  const sink = createSink({ databaseUrl: bench.url, pepper })
  const client = new pg.Client({ connectionString: bench.url })
  await client.connect()
  try {
    await client.query(
      `CREATE TABLE bench_business (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text NOT NULL);
       CREATE TABLE bench_like (LIKE audit_log_entry INCLUDING ALL)`,
    )
    const ours: number[] = []
    const base: number[] = []
    for (let round = 0; round <= ROUNDS; round += 1) {
      const turn = [
        await timed(client, transactions, (i) => insertLike(client, domainId, round * transactions + i + 1)),
        await timed(client, transactions, (i) => recordIn(client, sink, domainId, i)),
      ]
      // The first calls compile code and read the schema.
      if (round === 0) continue
      base.push(turn[0] ?? Number.NaN)
      ours.push(turn[1] ?? Number.NaN)
    }
    const [rate, baseRate] = [transactions / median(ours), transactions / median(base)]
    const shown = `plain INSERT ${Math.round(baseRate)}/s`
    report('recordIn, 1 caller', `${Math.round(rate)} commits/s`, shown, rate / baseRate, 'at least 0.5')
  } finally {
    await client.query('DROP TABLE IF EXISTS bench_business, bench_like')
    await client.end()
    await sink.close()
  }
}

/** Returns the seconds of so many transactions, each with a business row and what `audit` writes. */
async function timed(client: pg.Client, count: number, audit: (i: number) => Promise<unknown>) {
  const begun = performance.now()
  for (let i = 0; i < count; i += 1) {
    await client.query('BEGIN')
    await client.query('INSERT INTO bench_business (note) VALUES ($1)', [`order ${i}`])
    await audit(i)
    await client.query('COMMIT')
  }
  return (performance.now() - begun) / 1000
}

function recordIn(client: pg.Client, sink: AuditSink, domainId: string, i: number) {
  return sink.recordIn(client, [unchecked(i, domainId)])
}

function insertLike(client: pg.Client, domainId: string, seq: number) {
  const entry = unchecked(seq, domainId)
  return client.query(
    `INSERT INTO bench_like (domain_id, seq, subject_pseudonym, relation, object, reason, relation_path, caveat_context,
       correlation_id, zedtoken, recorded_at, prev_hash, entry_hash)
     VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, now(), $10, $11)`,
    [
      domainId,
      seq,
      randomBytes(32),
      entry.relation,
      entry.object,
      entry.relationPath,
      entry.caveatContext,
      entry.correlationId,
      entry.zedtoken,
      seq === 1 ? Buffer.alloc(32) : randomBytes(32),
      randomBytes(32),
    ],
  )
}
