import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import type { CallerClient } from '../../src/ports/append.js'
import { allFindings, chainLength, storedRows } from '../support/append-chains.js'
import { rowsOf, testDatabase } from '../support/postgres.js'
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

/** Returns the rows of a chain after its genesis row. */
const rowsAfterGenesis = async (domainId: string) => (await chainLength(service.writer, domainId)) - 1

async function place(client: pg.Client, id: string): Promise<void> {
  await client.query('INSERT INTO shop.orders (id) VALUES ($1)', [id])
}

/** Shows that the transaction is usable: a business row can be written and committed. */
async function commitsAfter(client: pg.Client, id: string): Promise<void> {
  await place(client, id)
  expect((await client.query('COMMIT')).command).toBe('COMMIT')
  expect(await service.orders()).toContain(id)
}

const isLocked = (domainId: string) =>
  rowsOf(
    service.database.url,
    'SELECT FROM audit_log_chain_head WHERE domain_id = $1 FOR NO KEY UPDATE NOWAIT',
    [domainId],
  ).then(
    () => false,
    (error: { code: string }) => error.code === '55P03',
  )

describe('recordIn', () => {
  it('resolves with the rows of each entry, which are not durable yet', async () => {
    const [a = '', b = ''] = await service.domains(2)
    const client = await service.client()
    await client.query('BEGIN')
    const recorded = await service.sink().recordIn(client, [entryOf(a), entryOf([b, a])])
    expect(recorded).toMatchObject({
      placed: [
        [{ domainId: a, seq: 2 }],
        [
          { domainId: a, seq: 3 },
          { domainId: b, seq: 2 },
        ],
      ],
      durable: false,
    })
    expect(await rowsAfterGenesis(a)).toBe(0)
    await client.query('COMMIT')
    const stored = await storedRows(service.database.url, a)
    expect(stored.slice(1).map((row) => [row.seq, row.entry_hash, row.micros])).toEqual(
      recorded.placed.map(([row]) => [row?.seq, row?.entryHash, String(row?.recordedAt)]),
    )
  })

  it.each([
    ['COMMIT', 1],
    ['ROLLBACK', 0],
  ])('leaves the audit row and the business row to %s', async (end, rows) => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    await client.query('BEGIN')
    await place(client, `${end}-1`)
    await service.sink().recordIn(client, [entryOf(a)])
    await client.query(end)
    expect((await service.orders()).includes(`${end}-1`)).toBe(rows === 1)
    expect(await rowsAfterGenesis(a)).toBe(rows)
  })

  it('returns nothing for no entries, and sends no statement', async () => {
    const client = await service.client()
    expect(await service.sink().recordIn(client, [])).toEqual({ placed: [], durable: false })
  })

  it('takes further entries in one transaction, and after a rollback to a savepoint of the caller', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink()
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf(a)])
    await client.query('SAVEPOINT mine')
    await sink.recordIn(client, [entryOf(a), entryOf(a)])
    await client.query('ROLLBACK TO SAVEPOINT mine')
    expect(await sink.recordIn(client, [entryOf(a)])).toMatchObject({ placed: [[{ seq: 3 }]] })
    await client.query('COMMIT')
    expect(await rowsAfterGenesis(a)).toBe(2)
  })

  it('runs calls on one client one after the other', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink()
    await client.query('BEGIN')
    const calls = Array.from({ length: 6 }, (_, i) =>
      sink.recordIn(client, [i === 3 ? entryOf(a, { subjectId: '' }) : entryOf(a)]).then(
        ({ placed }) => placed[0]?.[0]?.seq,
        (error: { code: string }) => error.code,
      ),
    )
    expect(await Promise.all(calls)).toEqual([2, 3, 4, 'invalid_input', 5, 6])
    await client.query('COMMIT')
  })

  it('is waited for by flush and close', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink()
    await client.query('BEGIN')
    const recorded: unknown[] = []
    void sink.recordIn(client, [entryOf(a)]).then((outcome) => recorded.push(outcome))
    await sink.close()
    expect(recorded).toHaveLength(1)
    await client.query('COMMIT')
  })
})

describe('a client that recordIn cannot use', () => {
  it('is refused outside of a transaction, and nothing is written', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    await expect(service.sink().recordIn(client, [entryOf(a)])).rejects.toMatchObject({
      code: 'no_transaction',
      advice: { code: 'begin_transaction' },
    })
    expect(await rowsAfterGenesis(a)).toBe(0)
    expect(await isLocked(a)).toBe(false)
  })

  it.each<[string, (url: string) => unknown]>([
    ['a pg.Pool', (url) => new pg.Pool({ connectionString: url })],
    ['a pool of another copy of pg', () => ({ query: async () => undefined, totalCount: 0, connect() {} })],
    ['nothing', () => undefined],
    ['a URL', (url) => url],
    ['an object without query', () => ({ connect() {} })],
    ['a client that returns one result for many statements', () => ({ query: async () => ({ rows: [] }) })],
  ])('is refused: %s', async (_what, make) => {
    const [a = ''] = await service.domains(1)
    const client = make(service.database.url) as CallerClient
    await expect(service.sink().recordIn(client, [entryOf(a)])).rejects.toMatchObject({
      code: 'usage',
      advice: { code: 'give_one_client' },
    })
    if (client instanceof pg.Pool) await client.end()
  })

  it.each([true, false])(
    'is refused for another database (with a schema: %s), and stays usable',
    async (migrated) => {
      const [a = ''] = await service.domains(1)
      const other = await testDatabase({ migrated })
      const client = new pg.Client({ connectionString: other.url })
      await client.connect()
      await client.query('BEGIN')
      await expect(service.sink().recordIn(client, [entryOf(a)])).rejects.toMatchObject({
        code: 'usage',
        message: expect.stringContaining('expected a client of the database of this sink'),
      })
      expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
      await client.end()
      await other.drop()
    },
  )

  it('is refused in a transaction that has failed, with what PostgreSQL says', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    await client.query('BEGIN')
    await client.query('SELECT 1/0').catch(() => undefined)
    await expect(service.sink().recordIn(client, [entryOf(a)])).rejects.toMatchObject({
      code: 'database_failed',
      message: expect.stringContaining('25P02'),
    })
  })

  it.each([
    ['REPEATABLE READ', false],
    ['SERIALIZABLE', false],
    ['READ COMMITTED', true],
    ['READ UNCOMMITTED', true],
  ])(
    'is one in a transaction of isolation level %s, unless it is READ COMMITTED',
    async (level, accepted) => {
      const [a = ''] = await service.domains(1)
      const client = await service.client()
      await client.query(`BEGIN ISOLATION LEVEL ${level}`)
      const recorded = service.sink().recordIn(client, [entryOf(a)])
      if (accepted) await expect(recorded).resolves.toMatchObject({ placed: [[{ seq: 2 }]] })
      else {
        await expect(recorded).rejects.toMatchObject({
          code: 'isolation_unsupported',
          message: expect.stringMatching(
            new RegExp(`got ${level}; it reads a snapshot from before it gets the lock`),
          ),
        })
        expect(await isLocked(a)).toBe(false)
      }
      await commitsAfter(client, `level ${level}`)
    },
  )

  it('is one in a transaction that only reads', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    await client.query('BEGIN READ ONLY')
    await expect(service.sink().recordIn(client, [entryOf(a)])).rejects.toMatchObject({
      code: 'database_read_only',
    })
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  })

  it('is one that loses its connection', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    await client.query('BEGIN')
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    await rowsOf(service.database.url, 'SELECT pg_terminate_backend($1)', [rows[0]?.pid])
    await expect(service.sink().recordIn(client, [entryOf(a)])).rejects.toMatchObject({
      code: 'database_unavailable',
    })
    expect(await rowsAfterGenesis(a)).toBe(0)
  })
})

const KEY = '5f0c3a52-5b0a-4a0e-9d55-0a3a6b1f2c3d'

describe('an entry that is refused', () => {
  it.each<[string, string, (a: string) => unknown]>([
    ['a limit of the format', 'invalid_input', (a) => entryOf(a, { relation: 'x'.repeat(1000) })],
    ['a field that is missing', 'invalid_input', (a) => ({ subjectId: 'alice', domainIds: [a] })],
    [
      'a person on the chain',
      'personal_data_in_chain',
      (a) => entryOf(a, { subject: { emailClaim: 'b@example.org' }, relationPath: ['b@example.org'] }),
    ],
    ['a relation of the log', 'relation_reserved', (a) => entryOf(a, { relation: 'audit.checkpoint' })],
    ['no chain', 'residency_unknown', () => ({ subjectId: 'alice', relation: 'a.b', object: 'order:1' })],
    ['an unknown Domain', 'residency_unknown', () => entryOf('018f0000-0000-7000-8000-00000000dead')],
    [
      'a key with other content',
      'idempotency_conflict',
      (a) => entryOf(a, { idempotencyKey: KEY, object: 'order:8' }),
    ],
  ])('for %s refuses all entries, and leaves the transaction usable', async (what, code, bad) => {
    const [a = '', b = ''] = await service.domains(2)
    const client = await service.client()
    const sink = service.sink()
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf(a, { idempotencyKey: KEY })])
    const entries = [entryOf(b), entryOf(a), bad(a) as ReturnType<typeof entryOf>, entryOf(b)]
    await expect(sink.recordIn(client, entries)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/^entries\[2\]: /),
    })
    await commitsAfter(client, what)
    expect([await rowsAfterGenesis(a), await rowsAfterGenesis(b)]).toEqual([1, 0])
  })

  it('by PostgreSQL is rolled back to the savepoint, and the chain stays locked until the end', async () => {
    const [a = '', b = ''] = await service.domains(2)
    await rowsOf(
      service.database.url,
      `ALTER TABLE audit_log_entry ADD CONSTRAINT no_nines CHECK (object <> 'order:9') NOT VALID`,
    )
    const client = await service.client()
    await client.query('BEGIN')
    await expect(
      service.sink().recordIn(client, [entryOf(b), entryOf(a, { object: 'order:9' })]),
    ).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining('no_nines') })
    expect([await isLocked(a), await isLocked(b)]).toEqual([true, true])
    await commitsAfter(client, 'nines')
    expect([await isLocked(a), await isLocked(b)]).toEqual([false, false])
    expect([await rowsAfterGenesis(a), await rowsAfterGenesis(b)]).toEqual([0, 0])
    await rowsOf(service.database.url, 'ALTER TABLE audit_log_entry DROP CONSTRAINT no_nines')
  })

  it.each([
    ['audit_log_entry', 'INSERT', 'database_failed'],
    ['audit_log_chain_head', 'UPDATE', 'chain_conflict'],
    ['audit_subject_pii', 'INSERT', 'database_failed'],
    ['audit_entry_context', 'INSERT', 'database_failed'],
    ['audit_idempotency_key', 'INSERT', 'database_failed'],
  ])('by a trigger that withholds a row of %s leaves nothing', async (table, operation, code) => {
    const [a = ''] = await service.domains(1)
    await rowsOf(
      service.database.url,
      `CREATE FUNCTION withhold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
       CREATE TRIGGER withhold BEFORE ${operation} ON ${table} FOR EACH ROW EXECUTE FUNCTION withhold()`,
    )
    const client = await service.client()
    await client.query('BEGIN')
    const entry = entryOf(a, {
      subject: { plaintext: 'A' },
      context: { ip: '192.0.2.1' },
      idempotencyKey: KEY,
    })
    await expect(service.sink().recordIn(client, [entry])).rejects.toMatchObject({
      code,
      advice: { code: 'find_withholding_trigger' },
    })
    await client.query('COMMIT')
    await rowsOf(service.database.url, 'DROP FUNCTION withhold() CASCADE')
    expect(await rowsAfterGenesis(a)).toBe(0)
  })
})

describe('the lock of a chain', () => {
  it('is held until the transaction ends', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    await client.query('BEGIN')
    await service.sink().recordIn(client, [entryOf(a)])
    expect(await isLocked(a)).toBe(true)
    await client.query('COMMIT')
    expect(await isLocked(a)).toBe(false)
  })

  it('is taken in one order, whatever the order of the entries', async () => {
    const chains = await service.domains(3)
    const sink = service.sink()
    const rounds = async (order: readonly string[]) => {
      const client = await service.client()
      for (let i = 0; i < 15; i += 1) {
        await client.query('BEGIN')
        await sink.recordIn(
          client,
          order.map((id) => entryOf(id)),
        )
        await client.query('COMMIT')
      }
    }
    await Promise.all([
      rounds(chains),
      rounds(chains.toReversed()),
      rounds([...chains.slice(1), chains[0] ?? '']),
    ])
    expect(await Promise.all(chains.map(rowsAfterGenesis))).toEqual([45, 45, 45])
  })

  it('that comes before a held one is taken where it is free', async () => {
    const [a = '', b = '', c = ''] = await service.domains(3)
    const client = await service.client()
    const sink = service.sink()
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf(b)])
    expect(await sink.recordIn(client, [entryOf(c), entryOf(a)])).toMatchObject({
      placed: [[{ seq: 2 }], [{ seq: 2 }]],
    })
    expect(await sink.recordIn(client, [entryOf(a), entryOf(b), entryOf(c)])).toMatchObject({
      durable: false,
    })
    expect(await Promise.all([a, b, c].map(isLocked))).toEqual([true, true, true])
    await client.query('COMMIT')
  })

  it('that comes before a held one and is not free is refused, and no other chain is waited for', async () => {
    const [a = '', b = '', c = ''] = await service.domains(3)
    const [client, other] = [await service.client(), await service.client()]
    const sink = service.sink()
    await other.query('BEGIN')
    await sink.recordIn(other, [entryOf(a), entryOf(c)])
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf(b)])
    await expect(sink.recordIn(client, [entryOf(a), entryOf(c)])).rejects.toMatchObject({
      code: 'lock_order',
      message: expect.stringContaining(a),
      advice: { code: 'lock_in_order' },
    })
    await commitsAfter(client, 'lock order')
    await other.query('COMMIT')
    expect(await Promise.all([a, b, c].map(rowsAfterGenesis))).toEqual([1, 1, 1])
  })

  it.each([
    ['a new transaction of the same client', 'COMMIT; BEGIN'],
    ['a rollback to a savepoint from before the lock', 'ROLLBACK TO SAVEPOINT mine'],
  ])('that comes before one that was held is waited for after %s', async (_what, sql) => {
    const [a = '', b = ''] = await service.domains(2)
    const [client, other] = [await service.client(), await service.client()]
    const sink = service.sink()
    await client.query('BEGIN; SAVEPOINT mine')
    await sink.recordIn(client, [entryOf(b)])
    await client.query(sql)
    await other.query('BEGIN')
    await sink.recordIn(other, [entryOf(a)])
    const recorded = sink.recordIn(client, [entryOf(a)])
    await sleep(100)
    await other.query('COMMIT')
    expect(await recorded).toMatchObject({ placed: [[{ seq: 3 }]] })
    await client.query('COMMIT')
  })

  it('is waited for as long as the lock_timeout of the caller, and the transaction stays usable', async () => {
    const [a = ''] = await service.domains(1)
    const [client, other] = [await service.client(`SET lock_timeout = '200ms'`), await service.client()]
    const sink = service.sink()
    await other.query('BEGIN')
    await sink.recordIn(other, [entryOf(a)])
    await client.query('BEGIN')
    await expect(sink.recordIn(client, [entryOf(a)])).rejects.toMatchObject({ code: 'lock_timeout' })
    await other.query('COMMIT')
    await commitsAfter(client, 'lock timeout')
  })

  it('that closes a circle with rows of the caller ends with retry_transaction, and the caller must roll back', async () => {
    const [a = ''] = await service.domains(1)
    const [client, other] = [await service.client(`SET deadlock_timeout = '50ms'`), await service.client()]
    const sink = service.sink()
    await rowsOf(service.database.url, `INSERT INTO shop.orders VALUES ('circle')`)
    await client.query(`BEGIN; UPDATE shop.orders SET note = 'mine' WHERE id = 'circle'`)
    await other.query('BEGIN')
    await sink.recordIn(other, [entryOf(a)])
    const waiting = other.query(`UPDATE shop.orders SET note = 'theirs' WHERE id = 'circle'`)
    await sleep(50)
    await expect(sink.recordIn(client, [entryOf(a)])).rejects.toMatchObject({
      code: 'retry_transaction',
      advice: { code: 'roll_back_and_retry' },
    })
    await expect(client.query('SELECT')).rejects.toMatchObject({ code: '25P02' })
    await client.query('ROLLBACK')
    await waiting
    await other.query('COMMIT')
    expect(await rowsAfterGenesis(a)).toBe(1)
  })
})

describe('record of the same sink', () => {
  it('ends with chain_busy for a chain that a transaction of recordIn holds', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink({ lockTimeout: 400 })
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf(a)])
    await expect(sink.record(entryOf(a))).rejects.toMatchObject({
      code: 'chain_busy',
      message: expect.stringMatching(/recordIn.* holds the chain: waited 0.4 s/),
      advice: { code: 'commit_before_record' },
    })
    await client.query('COMMIT')
    expect(await sink.record(entryOf(a))).toMatchObject([{ seq: 3 }])
  })

  it('ends with lock_timeout where another program holds the chain, or another transaction of that client', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const [sink, elsewhere] = [service.sink({ lockTimeout: 400 }), service.sink()]
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf(a)])
    await client.query('COMMIT; BEGIN')
    await elsewhere.recordIn(client, [entryOf(a)])
    await expect(sink.record(entryOf(a))).rejects.toMatchObject({ code: 'lock_timeout' })
    await client.query('COMMIT')
  })

  it('waits for the transaction where it ends in time', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink()
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf(a)])
    const recorded = sink.record(entryOf(a))
    await sleep(100)
    await client.query('COMMIT')
    expect(await recorded).toMatchObject([{ seq: 3 }])
  })
})

describe('the platform chain', () => {
  it('begins with the first entry, also where two transactions begin it', async () => {
    const fresh = await Service.start()
    const sink = fresh.sink()
    const [one, two] = [await fresh.client(), await fresh.client()]
    const entry = { subjectId: 'alice', relation: 'cloud.read', object: 'cloud:c1', platform: true } as const
    await one.query('BEGIN')
    await two.query('BEGIN')
    expect(await sink.recordIn(one, [entry])).toMatchObject({
      placed: [[{ domainId: PLATFORM_ANCHOR, seq: 2 }]],
    })
    const second = sink.recordIn(two, [entry])
    await sleep(100)
    await one.query('COMMIT')
    expect(await second).toMatchObject({ placed: [[{ seq: 3 }]] })
    await two.query('COMMIT')
    expect(await allFindings(fresh.writer)).toEqual([])
    await fresh.stop()
  })
})
