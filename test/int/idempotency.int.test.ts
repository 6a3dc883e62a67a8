import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { createSink } from '../../src/compose/create-sink.js'
import { purgeKeys } from '../../src/repo/append/idempotency-keys.js'
import { Database } from '../../src/repo/session/database.js'
import {
  allFindings,
  chainLength,
  entryFor,
  outcomes,
  storedRows,
  testPepper,
  Writer,
} from '../support/append-chains.js'
import { FaultProxy } from '../support/append-proxy.js'
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

const keyed = (key: string = randomUUID()) => ({ idempotency_key: key })
const conflict = { code: 'idempotency_conflict' }

async function keysOf(domainId: string): Promise<Record<string, unknown>[]> {
  return rowsOf(
    database.url,
    `SELECT key::text, seq::int, encode(subject_pseudonym, 'hex') AS subject FROM audit_idempotency_key
     WHERE domain_id = $1 ORDER BY seq`,
    [domainId],
  )
}

/** Makes the keys of a chain older. */
function age(domainId: string, interval: string): Promise<undefined> {
  return asSuperuser<undefined>(
    database.url,
    `UPDATE audit_idempotency_key SET created_at = created_at - interval '${interval}' WHERE domain_id = '${domainId}'`,
  )
}

describe('an entry with a known key', () => {
  it('gets the first result and writes nothing', async () => {
    const domainId = await writer.create()
    const key = keyed()
    const first = await writer.record(domainId, key)
    await writer.record(domainId)
    expect(await writer.record(domainId, key)).toEqual(first)
    expect(await writer.record(domainId, key)).toEqual(first)
    expect(await chainLength(writer, domainId)).toBe(3)
    const [, row] = await storedRows(database.url, domainId)
    expect(await keysOf(domainId)).toEqual([{ key: key.idempotency_key, seq: 2, subject: row?.subject }])
  })

  it('is one row for many concurrent calls of many processes', async () => {
    const domainId = await writer.create()
    const writers = Array.from({ length: 6 }, () => new Writer(database.url))
    const key = keyed()
    const all = await Promise.all(
      writers.flatMap((one) => Array.from({ length: 5 }, () => one.record(domainId, key))),
    )
    expect(new Set(all.map(([row]) => row?.entryHash)).size).toBe(1)
    expect(await chainLength(writer, domainId)).toBe(2)
    await Promise.all(writers.map((one) => one.close()))
  })

  it('is one row within one group, and the other entries keep their order', async () => {
    const domainId = await writer.create()
    const [one, two] = [keyed(), keyed()]
    const group = [one, {}, one, two, one, two].map((patch) => entryFor(domainId, patch))
    expect(outcomes(await writer.sink.recordGroup(group, 'stop'))).toEqual([2, 3, 2, 4, 2, 4])
  })

  it('is one row on each of several chains, in any order of their names', async () => {
    const [a, b] = [await writer.create(), await writer.create()]
    await writer.record(b)
    const key = keyed()
    const first = await writer.record([a, b], key)
    expect(new Map(first.map((row) => [row.domainId, row.seq]))).toEqual(
      new Map([
        [a, 2],
        [b, 3],
      ]),
    )
    expect(await writer.record([b, a, b.toUpperCase()], key)).toEqual(first)
  })

  it('gets its own row as its result where it began the platform chain', async () => {
    const own = await testDatabase()
    const fresh = new Writer(own.url)
    const key = keyed()
    const first = await fresh.record(PLATFORM_ANCHOR, key)
    expect(outcomes([first, await fresh.record(PLATFORM_ANCHOR, key)])).toEqual([2, 2])
    await fresh.close()
    await own.drop()
  })

  it('is another entry on another chain', async () => {
    const [a, b] = [await writer.create(), await writer.create()]
    const key = keyed()
    await writer.record(a, key)
    expect(outcomes([await writer.record(b, { ...key, relation: 'another' })])).toEqual([2])
  })

  it('may be spelled differently', async () => {
    const domainId = await writer.create()
    const key = randomUUID()
    const context = { metadata: { a: 1, b: 2 } }
    const first = await writer.record(domainId, { ...keyed(key), context })
    const again = { ...keyed(key.toUpperCase()), reason: 'granted', relation_path: [], zedtoken: '' }
    const spelled = { ...again, context: { metadata: { b: 2, a: 1 } } }
    expect(await writer.record(domainId.toUpperCase(), spelled)).toEqual(first)
  })
})

describe('a key with other content', () => {
  it.each([
    ['the subject', { subject_id: 'bob' }],
    ['the relation', { relation: 'project.write' }],
    ['the object', { object: 'project:p2' }],
    ['the reason', { reason: 'out_of_scope' }],
    ['the personal data', { subject: { email_claim: 'alice@example.org' } }],
    ['the context', { context: { ip: '192.0.2.7' } }],
  ])('is refused: %s', async (_what, patch) => {
    const domainId = await writer.create()
    const key = keyed()
    await writer.record(domainId, key)
    await expect(writer.record(domainId, { ...key, ...patch })).rejects.toMatchObject(conflict)
    expect(await chainLength(writer, domainId)).toBe(2)
    expect(
      await rowsOf(database.url, 'SELECT FROM audit_subject_pii WHERE domain_id = $1', [domainId]),
    ).toEqual([])
  })

  it('is refused with more chains and with fewer', async () => {
    const [a, b] = [await writer.create(), await writer.create()]
    const [one, two] = [keyed(), keyed()]
    await writer.record(a, one)
    await writer.record([a, b], two)
    await expect(writer.record([a, b], one)).rejects.toMatchObject(conflict)
    await expect(writer.record([b, a], one)).rejects.toMatchObject(conflict)
    await expect(writer.record(a, two)).rejects.toMatchObject(conflict)
    expect([await chainLength(writer, a), await chainLength(writer, b)]).toEqual([3, 2])
  })

  it('is refused within one group without affecting the other entries', async () => {
    const domainId = await writer.create()
    const key = keyed()
    const group = [key, { ...key, relation: 'another' }, key, {}].map((patch) => entryFor(domainId, patch))
    expect(outcomes(await writer.sink.recordGroup(group, 'continue'))).toEqual([2, conflict.code, 2, 3])
  })

  it('is refused and not appended again where one of two chains no longer knows it', async () => {
    const [a, b] = [await writer.create(), await writer.create()]
    const key = keyed()
    await writer.record([a, b], key)
    await rowsOf(database.url, 'DELETE FROM audit_idempotency_key WHERE domain_id = $1', [a])
    await expect(writer.record([a, b], key)).rejects.toMatchObject(conflict)
  })

  it('shows nothing of either content', async () => {
    const domainId = await writer.create()
    const key = keyed()
    await writer.record(domainId, { ...key, subject: { plaintext: 'Alice-in-Clear' } })
    const refused = await writer.record(domainId, { ...key, subject_id: 'bob-in-clear' }).catch(String)
    expect(refused).not.toMatch(/in-clear/i)
    const stored = await rowsOf(database.url, 'SELECT k::text FROM audit_idempotency_key k')
    expect(JSON.stringify(stored)).not.toMatch(/in-clear/i)
  })
})

describe('a key of a refused entry', () => {
  it('can be used again', async () => {
    const domainId = await writer.create()
    const key = keyed()
    const named = writer.record(domainId, { ...key, object: 'project:alice' })
    await expect(named).rejects.toMatchObject({ code: 'personal_data_in_chain' })
    expect(outcomes([await writer.record(domainId, key)])).toEqual([2])
  })

  it('can be used again after a refusal by Postgres, when the other entries are appended one by one', async () => {
    const own = await testDatabase()
    const strict = new Writer(own.url)
    const domainId = await strict.create()
    await asSuperuser(
      own.url,
      `ALTER TABLE audit_log_entry ADD CONSTRAINT not_here CHECK (relation <> 'refused.here')`,
    )
    const [key, other] = [keyed(), keyed()]
    const group = [other, { ...key, relation: 'refused.here' }, other, key, key].map((patch) =>
      entryFor(domainId, patch),
    )
    const result = await strict.sink.recordGroup(group, 'continue')
    expect(outcomes(result)).toEqual([2, 'invalid_input', 2, 3, 3])
    await strict.close()
    await own.drop()
  })

  it('is not reported as a conflict with a wrong pepper, but as pepper_mismatch', async () => {
    const domainId = await writer.create()
    const key = keyed()
    await writer.record(domainId, key)
    const wrong = new Writer(database.url, testPepper('another'))
    await expect(wrong.record(domainId, key)).rejects.toMatchObject({ code: 'pepper_mismatch' })
    await wrong.close()
  })
})

describe('after a lost connection', () => {
  it.each(['lost', 'unanswered'] as const)('stores the entry once after its COMMIT was %s', async (fault) => {
    const proxy = await FaultProxy.start(database.url)
    const domainId = await writer.create()
    const shaky = new Writer(proxy.url)
    const key = keyed()
    await shaky.record(domainId)
    const hit = proxy.breakAt('COMMIT\0', fault)
    await expect(shaky.record(domainId, key)).rejects.toMatchObject({ code: 'outcome_unknown' })
    await hit
    expect(outcomes([await shaky.record(domainId, key)])).toEqual([3])
    expect(await chainLength(writer, domainId)).toBe(3)
    await shaky.close()
    await proxy.close()
  })
})

describe('a row that a key wrote', () => {
  it('is not written again when it is missing, because the chain is damaged', async () => {
    const own = await testDatabase()
    const damaged = new Writer(own.url)
    const domainId = await damaged.create()
    const key = keyed()
    await damaged.record(domainId, key)
    await damaged.record(domainId)
    await asSuperuser(own.url, `DELETE FROM audit_log_entry WHERE domain_id = '${domainId}' AND seq = 2`)
    await expect(damaged.record(domainId, key)).rejects.toMatchObject({
      code: 'chain_conflict',
      advice: { code: 'verify_chain', domainId },
    })
    await damaged.close()
    await own.drop()
  })
})

describe('the library', () => {
  it('accepts a key as a field of the entry', async () => {
    const domainId = await writer.create()
    const sink = createSink({
      databaseUrl: database.url,
      pepper: testPepper(),
      defaults: { domainIds: [domainId] },
    })
    const entry = {
      subjectId: 'alice',
      relation: 'project.read',
      object: 'project:p1',
      idempotencyKey: randomUUID(),
    }
    const [first, second] = await Promise.all([sink.record(entry), sink.record(entry)])
    expect(second).toEqual(first)
    expect(outcomes([first, await sink.record({ ...entry, idempotencyKey: randomUUID() })])).toEqual([2, 3])
    await expect(sink.record({ ...entry, object: 'project:p2' })).rejects.toMatchObject(conflict)
    await expect(sink.record({ ...entry, idempotencyKey: 'k' })).rejects.toMatchObject({
      code: 'invalid_input',
    })
    await sink.close()
  })

  it.each([0, 366, 1.5, Number.NaN])('refuses to keep keys for %s days', (idempotencyDays) => {
    const create = () => createSink({ databaseUrl: database.url, pepper: testPepper(), idempotencyDays })
    expect(create).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  it('keeps a key for the configured time', async () => {
    const domainId = await writer.create()
    const sink = createSink({ databaseUrl: database.url, pepper: testPepper(), idempotencyDays: 1 })
    const entry = {
      subjectId: 'a',
      relation: 'r',
      object: 'd:1',
      domainIds: [domainId],
      idempotencyKey: randomUUID(),
    }
    const first = await sink.record(entry)
    await age(domainId, '23:59')
    expect(await sink.record(entry)).toEqual(first)
    await age(domainId, '1 minute')
    expect(outcomes([await sink.record(entry)])).toEqual([3])
    await sink.close()
  })
})

describe('the window', () => {
  it('keeps a key for seven days', async () => {
    const domainId = await writer.create()
    const key = keyed()
    await writer.record(domainId, key)
    await age(domainId, '6 days 23:59')
    expect(outcomes([await writer.record(domainId, key)])).toEqual([2])
    await age(domainId, '1 minute')
    expect(outcomes([await writer.record(domainId, { ...key, relation: 'another' })])).toEqual([3])
    expect((await keysOf(domainId)).map(({ seq }) => seq)).toEqual([3])
  })

  it('lets later appends with a key on the chain delete expired keys, in steps', async () => {
    const [domainId, other] = [await writer.create(), await writer.create()]
    for (const id of [domainId, other]) {
      const entries = Array.from({ length: 1000 }, () => entryFor(id, keyed()))
      for (let i = 0; i < 3; i += 1) {
        const fresh = entries.map((entry) => ({ ...entry, idempotencyKey: randomUUID() }))
        await writer.sink.recordGroup(fresh, 'stop')
      }
      await age(id, '8 days')
    }
    await writer.record(domainId)
    expect(await keysOf(domainId)).toHaveLength(3000)
    await writer.record(domainId, keyed())
    expect(await keysOf(domainId)).toHaveLength(1001)
    await writer.record(domainId, keyed())
    expect((await keysOf(domainId)).map(({ seq }) => seq)).toEqual([3003, 3004])
    expect(await keysOf(other)).toHaveLength(3000)
    const db = new Database(database.url)
    const purge = () => db.write((client) => purgeKeys(client, other, 7, 2500))
    expect([await purge(), await purge(), await purge()]).toEqual([2500, 500, 0])
    await db.close()
  })
})
