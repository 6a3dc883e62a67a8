import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RESERVED_RELATIONS } from '../../src/append/reserved-relation.js'
import { pseudonym } from '../../src/chain/hash.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import {
  allFindings,
  chainLength,
  entryFor,
  outcomes,
  storedRows,
  testPepper,
  Writer,
} from '../support/append-chains.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let writer: Writer

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url)
})

afterAll(async () => {
  expect(await allFindings(writer)).toEqual([])
  await writer.close()
  await database.drop()
})

const transactions = (rows: Record<string, unknown>[]) => new Set(rows.map((row) => row.transaction)).size

describe('group commit', () => {
  it('keeps the order of the calls, with two thousand entries in a transaction', async () => {
    const domainId = await writer.create()
    const calls = Array.from({ length: 4500 }, (_, i) => writer.record(domainId, { correlation_id: `${i}` }))
    expect(outcomes(await Promise.all(calls))).toEqual(Array.from({ length: 4500 }, (_, i) => i + 2))
    expect(transactions((await storedRows(database.url, domainId)).slice(1))).toBe(3)
  })

  it('appends all entries that wait during a transaction in the next one', async () => {
    const domainId = await writer.create()
    const first = writer.record(domainId)
    await new Promise((resolve) => setImmediate(resolve))
    const later = [writer.record(domainId), writer.record(domainId)]
    await Promise.all([first, ...later])
    const [, ...rows] = await storedRows(database.url, domainId)
    expect(rows.map((row) => row.transaction === rows[1]?.transaction)).toEqual([false, true, true])
  })

  it('returns what is stored, to the microsecond', async () => {
    const domainId = await writer.create()
    const placed = (await Promise.all(Array.from({ length: 20 }, () => writer.record(domainId)))).flat()
    const [, ...rows] = await storedRows(database.url, domainId)
    expect(placed).toEqual(
      rows.map((row) => ({
        domainId,
        seq: row.seq,
        entryHash: row.entry_hash,
        recordedAt: BigInt(String(row.micros)),
      })),
    )
  })

  it('has settled every entry when flush resolves', async () => {
    const domainId = await writer.create()
    const settled: number[] = []
    for (let i = 0; i < 5; i += 1) void writer.record(domainId).then(([row]) => settled.push(row?.seq ?? 0))
    await writer.sink.flush()
    expect(settled).toEqual([2, 3, 4, 5, 6])
  })
})

describe('a refused entry', () => {
  const NOWHERE = '018f0000-0000-7000-8000-00000000dead'

  /** Entries that are refused while they are prepared, under the lock, and by PostgreSQL itself. */
  const REFUSALS: [string, string, (domainId: string) => ReturnType<typeof entryFor>][] = [
    ['by its content', 'personal_data_in_chain', (id) => entryFor(id, { object: 'project:alice' })],
    ...RESERVED_RELATIONS.map((relation): (typeof REFUSALS)[number] => [
      `with the relation ${relation}`,
      'relation_reserved',
      (id) => entryFor(id, { relation }),
    ]),
    ['for an unknown Domain', 'residency_unknown', () => entryFor(NOWHERE)],
    ['for one unknown Domain of two', 'residency_unknown', (id) => entryFor([id, NOWHERE])],
    ['by Postgres', 'invalid_input', (id) => entryFor(id, { relation: 'refused.here' })],
  ]

  beforeAll(() =>
    asSuperuser(
      database.url,
      `ALTER TABLE audit_log_entry ADD CONSTRAINT not_here CHECK (relation <> 'refused.here')`,
    ),
  )

  it.each(['audit.key-create', 'audit.checkpoints', 'audit.log', 'AUDIT.CHECKPOINT', 'audit.log-key '])(
    'is not one with the relation %s, which is not reserved',
    async (relation) => {
      const domainId = await writer.create()
      const group = [entryFor(domainId, { relation }), entryFor(PLATFORM_ANCHOR, { relation })]
      const codes = (await writer.sink.recordGroup(group, 'stop')).map((one) => 'code' in one)
      expect(codes).toEqual([false, false])
    },
  )

  it.each(RESERVED_RELATIONS)('with the relation %s leaves no row on any of its chains', async (relation) => {
    const chains = [await writer.create(), await writer.create(), PLATFORM_ANCHOR]
    const lengths = () => Promise.all(chains.map((id) => chainLength(writer, id)))
    const before = await lengths()
    await expect(writer.record(chains, { relation })).rejects.toMatchObject({ code: 'relation_reserved' })
    expect(await lengths()).toEqual(before)
  })

  it.each(REFUSALS)('does not let %s affect the others', async (_how, code, refused) => {
    const domainId = await writer.create()
    const group = [
      entryFor(domainId),
      refused(domainId),
      entryFor(domainId),
      refused(domainId),
      entryFor(domainId),
    ]
    expect(outcomes(await writer.sink.recordGroup(group, 'continue'))).toEqual([2, code, 3, code, 4])
    expect(await chainLength(writer, domainId)).toBe(4)
  })

  it.each(REFUSALS)('ends with the result of %s under stop', async (_how, code, refused) => {
    const domainId = await writer.create()
    const group = [entryFor(domainId), entryFor(domainId), refused(domainId), entryFor(domainId)]
    expect(outcomes(await writer.sink.recordGroup(group, 'stop'))).toEqual([2, 3, code])
    expect(await chainLength(writer, domainId)).toBe(3)
  })

  it.each(REFUSALS)('rejects only the record call of %s', async (_how, code, refused) => {
    const domainId = await writer.create()
    const entries = [entryFor(domainId), refused(domainId), entryFor(domainId)]
    const settled = await Promise.allSettled(entries.map((entry) => writer.sink.record(entry)))
    expect(settled.map((one) => (one.status === 'rejected' ? one.reason.code : one.value[0]?.seq))).toEqual([
      2,
      code,
      3,
    ])
  })

  it('shows nothing of the row when Postgres refuses it', async () => {
    const domainId = await writer.create()
    const [refused] = await writer.sink.recordGroup(
      [entryFor(domainId, { relation: 'refused.here' })],
      'stop',
    )
    expect(refused).toMatchObject({ message: 'Postgres refused the row (23514 not_here)' })
  })

  it('writes nothing with another pepper', async () => {
    const domainId = await writer.create()
    const wrong = new Writer(database.url, testPepper('another'))
    const before = await rowsOf(database.url, 'SELECT count(*) FROM audit_log_entry')
    await expect(wrong.record(domainId)).rejects.toMatchObject({ code: 'pepper_mismatch' })
    await expect(wrong.record(PLATFORM_ANCHOR)).rejects.toMatchObject({ code: 'pepper_mismatch' })
    await expect(wrong.create()).rejects.toMatchObject({ code: 'pepper_mismatch' })
    expect(await rowsOf(database.url, 'SELECT count(*) FROM audit_log_entry')).toEqual(before)
    await wrong.close()
  })
})

describe('an entry of several Domains', () => {
  it('is one row on each, in one transaction, with the pseudonyms of each', async () => {
    const ids = [await writer.create(), await writer.create(), await writer.create()].sort()
    await writer.record(ids[1] ?? '')
    const placed = await writer.record(ids, { object: 'user:bob' })
    expect(placed.map(({ domainId, seq }) => [domainId, seq])).toEqual([
      [ids[0], 2],
      [ids[1], 3],
      [ids[2], 2],
    ])
    const rows = (await Promise.all(ids.map((id) => storedRows(database.url, id)))).map(
      (chain) => chain.at(-1) ?? {},
    )
    expect(transactions(rows)).toBe(1)
    for (const [index, id] of ids.entries()) {
      const pepper = await testPepper().pepperOf(id)
      expect(rows[index]).toMatchObject({
        subject: pseudonym(pepper, 'alice'),
        object: `user:${pseudonym(pepper, 'bob')}`,
      })
    }
    expect(new Set(rows.map((row) => row.subject)).size).toBe(3)
  })

  it('has one row on a Domain that is named twice', async () => {
    const domainId = await writer.create()
    expect(outcomes([await writer.record([domainId, domainId.toUpperCase()])])).toEqual([2])
    expect(await chainLength(writer, domainId)).toBe(2)
  })

  it('never deadlocks with another entry, in any order of the Domains', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => writer.create()))
    const writers = Array.from({ length: 6 }, () => new Writer(database.url))
    const some = (i: number) => ids.filter((_, at) => (i >> (at % 3)) % 2 === 0 || at === i % 5)
    const orders = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? some(i) : some(i).reverse()))
    await Promise.all(orders.map((order, i) => writers[i % writers.length]?.record(order)))
    const lengths = await Promise.all(ids.map((id) => chainLength(writer, id)))
    expect(lengths.reduce((sum, n) => sum + n - 1, 0)).toBe(orders.flat().length)
    await Promise.all(writers.map((one) => one.close()))
  })
})

describe('the clock of a chain', () => {
  it('never runs backwards when the previous row’s time is ahead, and keeps its microseconds', async () => {
    const own = await testDatabase()
    const ahead = new Writer(own.url)
    const domainId = await ahead.create()
    const future = '2345-06-07 08:09:10.123457+00'
    await asSuperuser(own.url, `UPDATE audit_log_entry SET recorded_at = '${future}' WHERE seq = 1`)
    const placed = (await Promise.all([ahead.record(domainId), ahead.record(domainId)])).flat()
    const later = await ahead.record(domainId)
    const expected = BigInt(Date.parse('2345-06-07T08:09:10Z')) * 1000n + 123_457n
    expect([...placed, ...later].map(({ recordedAt }) => recordedAt)).toEqual([expected, expected, expected])
    expect((await storedRows(own.url, domainId)).map(({ micros }) => micros)).toEqual(
      Array(4).fill(`${expected}`),
    )
    await ahead.close()
    await own.drop()
  })

  it.each(['infinity', '-infinity', '20000-01-01', '294276-12-31 23:59:59.999999+00', '4713-01-01 BC'])(
    'is the database’s clock where the last row has the impossible time %s',
    async (time) => {
      const own = await testDatabase()
      const damaged = new Writer(own.url)
      const domainId = await damaged.create()
      await asSuperuser(
        own.url,
        `ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_recorded_at_range;
         UPDATE audit_log_entry SET recorded_at = '${time}' WHERE domain_id = '${domainId}'`,
      )
      const before = BigInt(Date.now()) * 1000n
      const [placed] = await damaged.record(domainId)
      expect(placed?.recordedAt).toBeGreaterThanOrEqual(before - 1_000_000n)
      expect(placed?.recordedAt).toBeLessThan(before + 600_000_000n)
      await damaged.close()
      await own.drop()
    },
  )
})

describe('the beginning of a chain', () => {
  it('happens once on the platform chain, however many entries come at once', async () => {
    const own = await testDatabase()
    const writers = Array.from({ length: 8 }, () => new Writer(own.url))
    const work = writers.map((one, i) => (i % 2 === 0 ? one.record(PLATFORM_ANCHOR) : one.create()))
    await Promise.all(work)
    const rows = await storedRows(own.url, PLATFORM_ANCHOR)
    expect(rows.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(rows.filter(({ object }) => object === 'platform:platform')).toHaveLength(1)
    expect(rows[0]).toMatchObject({ object: 'platform:platform', relation: 'audit.chain-create' })
    expect(await allFindings(writers[0] as Writer)).toEqual([])
    await Promise.all(writers.map((one) => one.close()))
    await own.drop()
  })

  it('is not among the rows of the entry that caused it', async () => {
    const own = await testDatabase()
    const first = new Writer(own.url)
    expect(outcomes([await first.record(PLATFORM_ANCHOR)])).toEqual([2])
    await first.close()
    await own.drop()
  })

  it('lets one of several concurrent creates succeed', async () => {
    const domainId = randomUUID()
    const writers = Array.from({ length: 8 }, () => new Writer(database.url))
    const before = await chainLength(writer, PLATFORM_ANCHOR)
    const settled = await Promise.allSettled(writers.map((one) => one.create(domainId)))
    const codes = settled.map((one) => (one.status === 'rejected' ? one.reason.code : 'created')).sort()
    expect(codes).toEqual(['created', ...Array(7).fill('domain_exists')])
    expect(await chainLength(writer, domainId)).toBe(1)
    expect(await chainLength(writer, PLATFORM_ANCHOR)).toBe(before + 1)
    await Promise.all(writers.map((one) => one.close()))
  })

  it.each([
    ['the nil UUID', '00000000-0000-0000-0000-000000000000'],
    ['the platform anchor', PLATFORM_ANCHOR],
    ['no UUID', 'acme'],
  ])('is refused for %s', async (_what, domainId) => {
    await expect(writer.create(domainId)).rejects.toMatchObject({ code: 'invalid_domain_id' })
  })
})

describe('a server with other defaults', () => {
  /** Makes a database where every session begins with `setting`, and where rows record the settings they were written with. */
  async function withSetting<T>(
    setting: string,
    use: (writer: Writer, url: string) => Promise<T>,
  ): Promise<T> {
    const own = await testDatabase()
    const name = new URL(own.url.replace('@/', '@localhost/')).pathname.slice(1)
    await asSuperuser(
      own.url,
      `CREATE TABLE noted (synchronous_commit text, isolation text);
       CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         INSERT INTO noted VALUES (current_setting('synchronous_commit'), current_setting('transaction_isolation'));
         RETURN NULL;
       END $$;
       CREATE TRIGGER note AFTER INSERT ON audit_log_entry FOR EACH STATEMENT EXECUTE FUNCTION note();
       ALTER DATABASE ${name} SET ${setting}`,
    )
    const configured = new Writer(own.url)
    try {
      return await use(configured, own.url)
    } finally {
      await configured.close()
      await own.drop()
    }
  }

  it.each([
    ['off', 'on'],
    ['local', 'on'],
    ['on', 'on'],
    ['remote_write', 'remote_write'],
    ['remote_apply', 'remote_apply'],
  ])('commits, for synchronous_commit %s, with %s', async (setting, used) => {
    await withSetting(`synchronous_commit = ${setting}`, async (configured, url) => {
      await configured.record(await configured.create())
      expect(await rowsOf(url, 'SELECT DISTINCT * FROM noted')).toEqual([
        { synchronous_commit: used, isolation: 'read committed' },
      ])
    })
  })

  it.each(['serializable', 'repeatable read'])('accepts an append under isolation %s', async (isolation) => {
    await withSetting(`default_transaction_isolation = '${isolation}'`, async (configured, url) => {
      const domainId = await configured.create()
      const writers = Array.from({ length: 6 }, () => new Writer(url))
      const one = async (each: Writer) => {
        for (let i = 0; i < 10; i += 1) await each.record(domainId)
      }
      await Promise.all(writers.map(one))
      expect(await chainLength(configured, domainId)).toBe(61)
      expect(await allFindings(configured)).toEqual([])
      await Promise.all(writers.map((each) => each.close()))
    })
  })

  it('gets no rows while it is read-only', async () => {
    await withSetting('default_transaction_read_only = on', async (configured, url) => {
      await expect(configured.create()).rejects.toMatchObject({ code: 'database_read_only' })
      await expect(configured.record(PLATFORM_ANCHOR)).rejects.toMatchObject({ code: 'database_read_only' })
      expect(await rowsOf(url, 'SELECT FROM audit_log_entry')).toEqual([])
    })
  })
})
