import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AuditSink } from '../../src/compose/create-sink.js'
import type { CallerClient } from '../../src/ports/append.js'
import { allFindings, chainLength } from '../support/append-chains.js'
import { rowsOf } from '../support/postgres.js'
import { entryOf, Service } from '../support/record-in.js'

let service: Service

beforeAll(async () => {
  service = await Service.start()
})

afterEach(() => service.endClients())

afterAll(async () => {
  expect(await allFindings(service.writer)).toEqual([])
  await service.stop()
})

const PERSONAL = { subject: { plaintext: 'Erin Example' }, context: { userAgent: 'agent of Erin' } }

const personalRows = (domainId: string) =>
  rowsOf(
    service.database.url,
    `SELECT domain_id FROM audit_subject_pii WHERE domain_id = $1
     UNION ALL SELECT domain_id FROM audit_entry_context WHERE domain_id = $1`,
    [domainId],
  )

/** Returns a wrapper that does something else on the connection after its query number `after`. */
function interrupted(client: pg.Client, after: number, interrupt: () => Promise<unknown>): CallerClient {
  let queries = 0
  return {
    async query(text, values) {
      const result = await client.query(text, values)
      queries += 1
      if (queries === after) await interrupt()
      return result
    },
  }
}

type Interrupt = (client: pg.Client, sink: AuditSink, domainId: string) => Promise<unknown>

const runs =
  (...statements: string[]): Interrupt =>
  async (client) => {
    for (const sql of statements) await client.query(sql)
  }

const INTERRUPTS: readonly [string, string, Interrupt][] = [
  ['a COMMIT', 'no_transaction', runs('COMMIT')],
  ['a ROLLBACK', 'no_transaction', runs('ROLLBACK')],
  ['a ROLLBACK and the BEGIN of the next user', 'rollback_required', runs('ROLLBACK', 'BEGIN')],
  ['a rollback to an earlier savepoint', 'rollback_required', runs('ROLLBACK TO SAVEPOINT mine')],
  [
    'a call through another wrapper',
    'rollback_required',
    (client, sink, domainId) => sink.recordIn(client, [entryOf(domainId)]),
  ],
]

describe('a statement of the caller between the queries of a call', () => {
  it.each(
    INTERRUPTS.flatMap(([what, code, interrupt]) =>
      [1, 2].map((after) => ({ what, code, interrupt, after })),
    ),
  )('leaves nothing of the call: $what after query $after, $code', async ({ code, interrupt, after }) => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink()
    await client.query('BEGIN; SAVEPOINT mine')
    const wrapper = interrupted(client, after, () => interrupt(client, sink, a))
    await expect(sink.recordIn(wrapper, [entryOf(a, PERSONAL)])).rejects.toMatchObject({ code })
    await client.query('COMMIT')
    expect([await chainLength(service.writer, a), await personalRows(a)]).toEqual([1, []])
  })

  it('keeps the call that has resolved where a refused one ends after it', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink()
    const idempotencyKey = '5f0c3a52-5b0a-4a0e-9d55-0a3a6b1f2c3d'
    await sink.record(entryOf(a, { idempotencyKey }))
    await client.query('BEGIN')
    const wrapper = interrupted(client, 1, () => sink.recordIn(client, [entryOf(a)]))
    const refused = sink.recordIn(wrapper, [entryOf(a, { idempotencyKey, object: 'order:8' })])
    await expect(refused).rejects.toMatchObject({ code: 'idempotency_conflict' })
    expect((await client.query('COMMIT')).command).toBe('COMMIT')
    expect(await chainLength(service.writer, a)).toBe(3)
  })
})

describe('a savepoint that cannot be rolled back', () => {
  it('ends with rollback_required where the driver stops waiting for an answer', async () => {
    const [a = ''] = await service.domains(1)
    await rowsOf(
      service.database.url,
      `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END';
       CREATE TRIGGER slow BEFORE INSERT ON audit_log_entry FOR EACH ROW EXECUTE FUNCTION slow()`,
    )
    const client = new pg.Client({ connectionString: service.database.url, query_timeout: 500 })
    await client.connect()
    await client.query('BEGIN')
    await expect(service.sink().recordIn(client, [entryOf(a)])).rejects.toMatchObject({
      code: 'rollback_required',
      message: expect.stringContaining('Query read timeout'),
      advice: { code: 'never_commit' },
    })
    await client.end()
    await rowsOf(service.database.url, 'DROP FUNCTION slow() CASCADE')
    expect(await chainLength(service.writer, a)).toBe(1)
  })

  it('ends with rollback_required where the client cannot send several statements', async () => {
    const [a = ''] = await service.domains(1)
    const inner = await service.client()
    const extended = { text: '', queryMode: 'extended' }
    const client: CallerClient = { query: (text) => inner.query({ ...extended, text }) }
    await inner.query('BEGIN')
    await expect(service.sink().recordIn(client, [entryOf(a)])).rejects.toMatchObject({
      code: 'rollback_required',
      message: expect.stringContaining('42601'),
    })
    expect((await inner.query('COMMIT')).command).toBe('ROLLBACK')
  })
})

describe('personal data', () => {
  it('is in no statement that PostgreSQL logs, and in no setting after the call', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink()
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf(a, PERSONAL)])
    const setting = `SELECT current_setting('audit.personal_data', true) AS data`
    expect((await client.query(setting)).rows).toEqual([{ data: '' }])
    await rowsOf(
      service.database.url,
      `CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''record_in_refuses''; END'`,
    )
    await client.query('COMMIT')
    await rowsOf(
      service.database.url,
      'CREATE TRIGGER bad BEFORE INSERT ON audit_entry_context FOR EACH ROW EXECUTE FUNCTION bad()',
    )
    await client.query('BEGIN')
    await expect(sink.recordIn(client, [entryOf(a, PERSONAL)])).rejects.toMatchObject({
      code: 'database_failed',
    })
    expect((await client.query(setting)).rows).toEqual([{ data: '' }])
    await client.query('ROLLBACK')
    await rowsOf(service.database.url, 'DROP FUNCTION bad() CASCADE')
    const log = await serverLog('ERROR:  record_in_refuses')
    expect(log).toContain('INSERT INTO "public".audit_entry_context')
    expect(log).not.toMatch(/Erin/)
  })
})

/** Returns the log of the server, once it holds a text. */
async function serverLog(text: string): Promise<string> {
  const [row] = await rowsOf(service.database.url, `SELECT current_setting('data_directory') AS dir`)
  const path = join(String(row?.dir), '..', 'log')
  for (let tries = 0; tries < 100 && !readFileSync(path, 'utf8').includes(text); tries += 1) await sleep(20)
  return readFileSync(path, 'utf8')
}

describe('the order of locks', () => {
  it('does not count a chain that does not exist', async () => {
    const [a = ''] = await service.domains(1)
    const [client, other] = [await service.client(), await service.client()]
    const sink = service.sink()
    await other.query('BEGIN')
    await sink.recordIn(other, [entryOf(a)])
    await client.query('BEGIN')
    const refused = sink.recordIn(client, [entryOf('ffffffff-0000-7000-8000-00000000dead')])
    await expect(refused).rejects.toMatchObject({ code: 'residency_unknown' })
    const recorded = sink.recordIn(client, [entryOf(a)])
    await sleep(100)
    await other.query('COMMIT')
    expect(await recorded).toMatchObject({ placed: [[{ seq: 3 }]] })
    await client.query('COMMIT')
  })

  it.each(['zzz', '', '706c6174', '{}'])(
    'is kept in a session that has set audit.last_locked_chain to "%s"',
    async (value) => {
      const [a = '', b = ''] = await service.domains(2)
      const client = await service.client(`SET audit.last_locked_chain = '${value}'`)
      await client.query('BEGIN')
      const sink = service.sink()
      await sink.recordIn(client, [entryOf(b)])
      expect(await sink.recordIn(client, [entryOf(a)])).toMatchObject({ placed: [[{ seq: 2 }]] })
      await client.query('COMMIT')
    },
  )
})

describe('calls on one client', () => {
  it('append in the order in which they were made, whatever their size', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink()
    await client.query('BEGIN')
    const many = Array.from({ length: 200 }, () => entryOf(a))
    const recorded = await Promise.all([sink.recordIn(client, many), sink.recordIn(client, [entryOf(a)])])
    expect(recorded.map(({ placed }) => placed[0]?.[0]?.seq)).toEqual([2, 202])
    await client.query('ROLLBACK')
  })

  it('are refused once the sink is closed, as record is', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink()
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf(a)])
    await sink.close()
    await expect(sink.recordIn(client, [entryOf(a)])).rejects.toMatchObject({ code: 'database_unavailable' })
    await expect(sink.record(entryOf(a))).rejects.toMatchObject({ code: 'database_unavailable' })
    await client.query('ROLLBACK')
  })
})

describe('a client whose answers are not texts', () => {
  it.each<[string, (text: string) => unknown, boolean]>([
    ['String objects', (text) => Object(text), true],
    ['buffers', (text) => Buffer.from(text), true],
    ['other objects', (text) => ({ boxed: text }), false],
  ])('has a type parser for text that returns %s', async (_what, parser, accepted) => {
    const [a = ''] = await service.domains(1)
    const types = { getTypeParser: () => parser }
    const client = new pg.Client({ connectionString: service.database.url, types: types as never })
    await client.connect()
    await client.query('BEGIN')
    const recorded = service.sink().recordIn(client, [entryOf(a, PERSONAL)])
    if (accepted) expect(await recorded).toMatchObject({ placed: [[{ seq: 2 }]] })
    else
      await expect(recorded).rejects.toMatchObject({
        code: 'usage',
        message: expect.stringContaining('expected JSON as text (type oid 25), got object'),
      })
    expect((await client.query('COMMIT')).command).toBe('COMMIT')
    await client.end()
  })

  it('or that drops values is refused where an entry has personal data', async () => {
    const [a = ''] = await service.domains(1)
    const inner = await service.client()
    const client: CallerClient = { query: (text) => inner.query(text) }
    const sink = service.sink()
    await inner.query('BEGIN')
    await expect(sink.recordIn(client, [entryOf(a, PERSONAL)])).rejects.toMatchObject({
      code: 'usage',
      advice: { code: 'give_one_client' },
    })
    expect(await sink.recordIn(client, [entryOf(a)])).toMatchObject({ placed: [[{ seq: 2 }]] })
    await inner.query('COMMIT')
  })
})

describe('record of the same sink ends with chain_busy', () => {
  it('where recordIn has begun the platform chain', async () => {
    const fresh = await Service.start()
    const sink = fresh.sink({ lockTimeout: 400 })
    const client = await fresh.client()
    const entry = { subjectId: 'alice', relation: 'cloud.read', object: 'cloud:c1', platform: true } as const
    await client.query('BEGIN')
    await sink.recordIn(client, [entry])
    await expect(sink.record(entry)).rejects.toMatchObject({ code: 'chain_busy' })
    await client.query('COMMIT')
    await fresh.stop()
  })

  it('where the transaction of recordIn waits for another one', async () => {
    const [a = ''] = await service.domains(1)
    const [client, other] = [await service.client(), await service.client()]
    const sink = service.sink({ lockTimeout: 400 })
    await rowsOf(service.database.url, `INSERT INTO shop.orders VALUES ('waits')`)
    const update = `UPDATE shop.orders SET note = 'x' WHERE id = 'waits'`
    await other.query(`BEGIN; ${update}`)
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf(a)])
    const waiting = client.query(update)
    await expect(sink.record(entryOf(a))).rejects.toMatchObject({ code: 'chain_busy' })
    await other.query('COMMIT')
    await waiting
    await client.query('COMMIT')
  })
})
