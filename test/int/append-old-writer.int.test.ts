import { createHash } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { encodeUnplaced, putPlace } from '../../src/chain/canonical.js'
import { reasonOrdinal } from '../../src/chain/reason.js'
import { allFindings, chainLength, Writer } from '../support/append-chains.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let writer: Writer

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url)
})

afterAll(async () => {
  await writer.close()
  await database.drop()
})

const NEXT = `SELECT h.next_seq, encode(h.head_hash, 'hex') AS hash,
    (extract(epoch FROM greatest(clock_timestamp(), e.recorded_at)) * 1000000)::bigint AS micros
  FROM audit_log_chain_head h JOIN audit_log_entry e ON e.domain_id = h.domain_id AND e.seq = h.next_seq - 1
  WHERE h.domain_id = $1`

const ADVANCE = `UPDATE audit_log_chain_head SET next_seq = next_seq + 1, head_hash = decode($3, 'hex')
  WHERE domain_id = $1 AND next_seq = $2`

const INSERT = `INSERT INTO audit_log_entry (domain_id, seq, subject_pseudonym, relation, object, reason, recorded_at,
    prev_hash, entry_hash)
  VALUES ($1, $2, decode($3, 'hex'), 'project.read', 'project:p1', $7, to_timestamp(0) + $4 * interval '1 microsecond',
    decode($5, 'hex'), decode($6, 'hex'))`

/**
 * Appends one row as the version before did: an advisory lock, then the head, then the update that compares the head, then
 * the row. `pause` runs between reading the head and writing.
 * Returns `done`, or why the database refused the row.
 */
async function appendAsBefore(
  client: pg.Client,
  domainId: string,
  pause: () => Promise<unknown> = async () => undefined,
): Promise<string> {
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
  try {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('audit/chain/' || $1, 0))`, [domainId])
    const { rows } = await client.query<{ next_seq: string; hash: string; micros: string }>(NEXT, [domainId])
    const { next_seq, hash, micros } = rows[0] ?? { next_seq: '0', hash: '', micros: '0' }
    await pause()
    const subject = createHash('sha256').update('bob').digest('hex')
    const row = {
      domainId,
      subjectPseudonym: subject,
      relation: 'project.read',
      object: 'project:p1',
      reason: 'granted' as const,
      relationPath: [],
      caveatContext: [],
      correlationId: '',
      zedtoken: '',
    }
    const entryHash = nodeHasher.entry(hash, putPlace(encodeUnplaced(row), Number(next_seq), BigInt(micros)))
    const { rowCount } = await client.query(ADVANCE, [domainId, next_seq, entryHash])
    if (rowCount !== 1) throw new Error('head moved')
    await client.query(INSERT, [
      domainId,
      next_seq,
      subject,
      micros,
      hash,
      entryHash,
      reasonOrdinal('granted'),
    ])
    await client.query('COMMIT')
    return 'done'
  } catch (error) {
    await client.query('ROLLBACK')
    return error instanceof pg.DatabaseError ? (error.code ?? '') : (error as Error).message
  }
}

async function connected(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  return client
}

describe('a writer of the version before', () => {
  it('appends to the same chain as a writer of this version', async () => {
    const domainId = await writer.create()
    const old = await connected()
    expect(await appendAsBefore(old, domainId)).toBe('done')
    await writer.record(domainId)
    expect(await appendAsBefore(old, domainId)).toBe('done')
    await old.end()
    expect(await chainLength(writer, domainId)).toBe(4)
    expect(await allFindings(writer)).toEqual([])
  })

  it('fails when a writer of this version appends after it has read the head', async () => {
    const domainId = await writer.create()
    const old = await connected()
    expect(await appendAsBefore(old, domainId, () => writer.record(domainId))).toBe('head moved')
    await old.end()
    expect(await chainLength(writer, domainId)).toBe(2)
    expect(await allFindings(writer)).toEqual([])
  })

  it('may lose a race, and never forks the chain or makes a writer of this version fail', async () => {
    const domainId = await writer.create()
    const outcomes: string[] = []
    const asBefore = async () => {
      const old = await connected()
      for (let i = 0; i < 60; i += 1) outcomes.push(await appendAsBefore(old, domainId))
      await old.end()
    }
    const now = async () => {
      const own = new Writer(database.url)
      for (let i = 0; i < 40; i += 1) await own.record(domainId)
      await own.close()
    }
    await Promise.all([asBefore(), asBefore(), now(), now()])
    const appended = outcomes.filter((outcome) => outcome === 'done').length
    expect(['done', 'head moved']).toEqual(expect.arrayContaining([...new Set(outcomes)]))
    expect(await chainLength(writer, domainId)).toBe(1 + 80 + appended)
    expect(await allFindings(writer)).toEqual([])
  })
})
