import pg from 'pg'
import { encodeCanonical } from '../../src/chain/canonical.js'
import type { ChainedEntry, Entry } from '../../src/chain/entry.js'
import { nobleHasher, ZERO_HASH } from '../../src/chain/hash.js'
import { reasonOrdinal } from '../../src/chain/reason.js'
import { formatTimestamp, parseTimestamp } from '../../src/chain/timestamp.js'

export const T0 = parseTimestamp('2026-01-01T00:00:00.000001Z')

export type RowOptions = Partial<Omit<Entry, 'domainId' | 'seq'>>

/** Returns rows of one chain with the right hashes and links, from `seq` and `prevHash` on, recorded one second apart. */
export function chainRows(
  domainId: string,
  options: readonly RowOptions[],
  seq = 1,
  prevHash = ZERO_HASH,
): ChainedEntry[] {
  let before = prevHash
  return options.map((option, index) => {
    const entry: Entry = { ...plainRow(domainId, seq + index), ...option }
    const entryHash = nobleHasher.link(before, nobleHasher.canonical(encodeCanonical(entry)))
    const row = { ...entry, prevHash: before, entryHash }
    before = entryHash
    return row
  })
}

function plainRow(domainId: string, seq: number): Entry {
  return {
    domainId,
    seq,
    subjectPseudonym: 'ab'.repeat(32),
    relation: 'project.read',
    object: `project:${seq}`,
    reason: 'granted',
    relationPath: [],
    caveatContext: [],
    correlationId: '',
    zedtoken: '',
    recordedAt: T0 + BigInt(seq) * 1_000_000n,
  }
}

/** Writes rows and the head of their chain as an append does, by a statement that shares no code with it. */
export async function insertRows(url: string, rows: readonly ChainedEntry[]): Promise<void> {
  const last = rows.at(-1)
  if (last === undefined) return
  await withClient(url, async (client) => {
    await client.query('BEGIN')
    for (const row of rows) await client.query(INSERT, valuesOf(row))
    await client.query(
      `INSERT INTO audit_log_chain_head VALUES ($1, $2, $3)
       ON CONFLICT (domain_id) DO UPDATE SET next_seq = excluded.next_seq, head_hash = excluded.head_hash`,
      [last.domainId, last.seq + 1, Buffer.from(last.entryHash, 'hex')],
    )
    await client.query('COMMIT')
  })
}

/** Registers a Domain with rows. The genesis row is like the others. */
export async function insertDomain(
  url: string,
  domainId: string,
  options: readonly RowOptions[],
): Promise<ChainedEntry[]> {
  await withClient(url, (client) =>
    client.query('INSERT INTO audit_domain (domain_id) VALUES ($1)', [domainId]),
  )
  const rows = chainRows(domainId, options)
  await insertRows(url, rows)
  return rows
}

/** Drops every CHECK and NOT NULL of the table, as a hostile administrator would. */
export async function dropChecks(client: pg.Client, table = 'audit_log_entry'): Promise<void> {
  await client.query(
    `DO $$ DECLARE name text; BEGIN
       FOR name IN SELECT conname FROM pg_constraint WHERE conrelid = '${table}'::regclass AND contype = 'c' LOOP
         EXECUTE format('ALTER TABLE ${table} DROP CONSTRAINT %I', name);
       END LOOP;
       FOR name IN SELECT attname FROM pg_attribute
         WHERE attrelid = '${table}'::regclass AND attnum > 0 AND attnotnull
           AND attname NOT IN ('domain_id', 'seq', 'id') LOOP
         EXECUTE format('ALTER TABLE ${table} ALTER COLUMN %I DROP NOT NULL', name);
       END LOOP;
     END $$`,
  )
}

const INSERT = `
  INSERT INTO audit_log_entry (domain_id, seq, subject_pseudonym, relation, object, reason, relation_path,
    caveat_context, correlation_id, zedtoken, recorded_at, prev_hash, entry_hash)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

function valuesOf(row: ChainedEntry): unknown[] {
  return [
    row.domainId,
    row.seq,
    Buffer.from(row.subjectPseudonym, 'hex'),
    row.relation,
    row.object,
    reasonOrdinal(row.reason),
    row.relationPath,
    row.caveatContext,
    row.correlationId,
    row.zedtoken,
    formatTimestamp(row.recordedAt),
    Buffer.from(row.prevHash, 'hex'),
    Buffer.from(row.entryHash, 'hex'),
  ]
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
