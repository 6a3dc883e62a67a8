import pg from 'pg'
import type { Entry } from '../../src/chain/entry.js'
import { ZERO_HASH } from '../../src/chain/hash.js'
import { reasonOrdinal } from '../../src/chain/reason.js'
import { formatTimestamp } from '../../src/chain/timestamp.js'
import { testDatabase } from '../support/postgres.js'

export type Row = Readonly<Record<string, unknown>>

export const DOMAIN = '01890000-0000-7000-8000-000000000001'

export const bytes = (length: number, fill = 7) => Buffer.alloc(length, fill)

export const ENTRY: Entry = {
  domainId: DOMAIN,
  seq: 2,
  subjectPseudonym: '07'.repeat(32),
  relation: 's3:GetObject',
  object: 'bucket:b',
  reason: 'granted',
  relationPath: [],
  caveatContext: [],
  correlationId: '',
  zedtoken: '',
  recordedAt: 1_700_000_000_000_000n,
}

/** Returns the columns of an entry. The caller sets a recorded_at that RFC 3339 cannot express. */
export function entryRow(entry: Entry): Row {
  const inRange = entry.recordedAt >= -62_135_596_800_000_000n && entry.recordedAt < 253_402_300_800_000_000n
  return {
    domain_id: entry.domainId,
    seq: entry.seq,
    subject_pseudonym: Buffer.from(entry.subjectPseudonym, 'hex'),
    relation: entry.relation,
    object: entry.object,
    reason: reasonOrdinal(entry.reason),
    relation_path: entry.relationPath,
    caveat_context: entry.caveatContext,
    correlation_id: entry.correlationId,
    zedtoken: entry.zedtoken,
    recorded_at: inRange ? formatTimestamp(entry.recordedAt) : undefined,
    prev_hash: entry.seq === 1 ? Buffer.from(ZERO_HASH, 'hex') : bytes(32, 1),
    entry_hash: bytes(32, 2),
  }
}

export const PII: Row = { domain_id: DOMAIN, subject_pseudonym: bytes(32) }
export const CONTEXT: Row = { domain_id: DOMAIN, seq: 1 }
export const KEY: Row = {
  domain_id: DOMAIN,
  key: '6ba7b810-9dad-41d1-80b4-00c04fd430c8',
  fingerprint: bytes(32),
  seq: 2,
  subject_pseudonym: bytes(32),
}
export const HEAD: Row = { domain_id: DOMAIN, next_seq: 2, head_hash: bytes(32) }
export const FINDING: Row = {
  domain_id: DOMAIN,
  divergent_seq: 1,
  code: 'broken_link',
  seq_from: 1,
  seq_to: 1,
  source: 'postgres',
}

export const API_KEY: Row = {
  key_id: 'ak_0123456789abcdef',
  domain_id: DOMAIN,
  subject: 'user:alice',
  relation: 'auditor',
  secret_sha256: bytes(32),
  read_only: false,
  owner_only: false,
}
export const TUPLE: Row = { object: `domain:${DOMAIN}`, relation: 'auditor', subject: 'user:alice' }

/** A row of each index of the signer. */
export const CHECKPOINT: Row = {
  domain_id: DOMAIN,
  incarnation: 1,
  size: 2,
  root: bytes(32),
  entry_hash: bytes(32),
  note: 'n',
}
export const TILE: Row = { domain_id: DOMAIN, incarnation: 1, level: 0, tile_index: 0, hashes: bytes(8192) }

export async function insert(client: pg.Client, table: string, row: Row): Promise<void> {
  const columns = Object.keys(row)
  const values = columns.map((_, i) => `$${i + 1}`)
  await client.query(`INSERT INTO ${table} (${columns}) VALUES (${values})`, Object.values(row))
}

/** Runs statements in a transaction. Returns the SQLSTATE of the error and its constraint, if any, or '' without an error. */
export async function outcome(client: pg.Client, run: () => Promise<unknown>): Promise<string> {
  await client.query('BEGIN')
  try {
    await run()
    return ''
  } catch (error) {
    const { code, constraint } = error as pg.DatabaseError
    return [code, constraint].filter(Boolean).join(' ')
  } finally {
    await client.query('ROLLBACK')
  }
}

/** Creates a database, and connects as its owner. */
export async function openDatabase(): Promise<{ client: pg.Client; drop: () => Promise<void> }> {
  const database = await testDatabase()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const drop = async () => {
    await client.end()
    await database.drop()
  }
  return { client, drop }
}

/** Creates a database with a row in every table that holds rows of a chain. */
export async function openFilled(): ReturnType<typeof openDatabase> {
  const opened = await openDatabase()
  const { client } = opened
  await insert(client, 'audit_log_entry', entryRow(ENTRY))
  await insert(client, 'audit_log_chain_head', HEAD)
  await insert(client, 'audit_subject_pii', PII)
  await insert(client, 'audit_entry_context', { ...CONTEXT, seq: ENTRY.seq })
  await insert(client, 'audit_tamper_quarantine', FINDING)
  await insert(client, 'audit_idempotency_key', KEY)
  await insert(client, 'audit_api_key', API_KEY)
  await insert(client, 'audit_relation_tuple', TUPLE)
  return opened
}
