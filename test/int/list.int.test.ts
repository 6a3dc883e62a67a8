import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { ZERO_HASH } from '../../src/chain/hash.js'
import { formatTimestamp } from '../../src/chain/timestamp.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { type AuditEntry, type AuditEntryList, auditEntryList } from '../../src/json/entry.js'
import type { CursorKey } from '../../src/ports/pepper.js'
import type { EntryReader, PageRange, ReadEntry } from '../../src/ports/query.js'
import { encodeCursor } from '../../src/query/cursor.js'
import { listEntries, streamEntries } from '../../src/query/list.js'
import { type ListParameters, parseFilter, parseLimit } from '../../src/query/list-query.js'
import { postgresEntryReader, postgresKeyReader } from '../../src/repo/query/entry-reader.js'
import { listEntries as readPage } from '../../src/repo/query/list-entries.js'
import { type Client, Database } from '../../src/repo/session/database.js'
import {
  chainRows,
  dropChecks,
  insertDomain,
  insertRows,
  type RowOptions,
  T0,
} from '../support/chain-rows.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'
const OTHER = '018f0000-0000-7000-8000-000000000002'
const HOSTILE = '018f0000-0000-7000-8000-000000000003'
const BUSY = '018f0000-0000-7000-8000-000000000004'
const NOWHERE = '018f0000-0000-7000-8000-00000000000f'
const ALICE = 'a1'.repeat(32)
const BOB = 'b0'.repeat(32)
const IDENTITY = '5f0c1e2a-3b4d-4c5e-8f60-718293a4b5c6'

const keyed: CursorKey = { cursorKey: async () => new Uint8Array(32).fill(7) }
const keyless: CursorKey = {
  cursorKey: async () => {
    throw new AuditError('pepper_not_configured', 'no pepper', { advice: { code: 'name_pepper' } })
  },
}

const DENIED = ['out_of_scope', 'insufficient_relation', 'caveat_violation', 'unknown']

const ROWS: readonly RowOptions[] = [
  { subjectPseudonym: ALICE, object: 'domain:1', relation: 'audit.chain-create' },
  { subjectPseudonym: ALICE, object: 'project:a', correlationId: 'c-1' },
  { subjectPseudonym: BOB, object: 'project:a:b', reason: 'out_of_scope', correlationId: 'c-1' },
  {
    subjectPseudonym: ALICE,
    object: 'secret:a',
    reason: 'insufficient_relation',
    caveatContext: ['ip.cidr'],
  },
  { subjectPseudonym: BOB, object: 'project:a', reason: 'caveat_violation', relationPath: ['x', 'y'] },
  { subjectPseudonym: BOB, object: 'secret:b', correlationId: 'c-2' },
]

let database: TestDatabase
let db: Database
let reader: ReturnType<typeof postgresEntryReader>

beforeAll(async () => {
  database = await testDatabase()
  db = new Database(database.url)
  reader = postgresEntryReader(db)
  await insertDomain(database.url, DOMAIN, ROWS)
  await insertDomain(
    database.url,
    OTHER,
    Array.from({ length: 7 }, () => ({ subjectPseudonym: ALICE })),
  )
})

afterAll(async () => {
  await db.close()
  await database.drop()
})

async function list(domainId: string, parameters: ListParameters & { cursor?: string } = {}, key = keyed) {
  const page = await listEntries(reader, key, {
    domainId,
    filter: parseFilter(parameters),
    limit: parseLimit(parameters.limit),
    cursor: parameters.cursor,
  })
  return auditEntryList(page)
}

const seqsOf = (page: AuditEntryList) => page.items.map((item) => item.seq)

describe('listEntries with a filter', () => {
  const at = (seq: number, offset = 0n) => formatTimestamp(T0 + BigInt(seq) * 1_000_000n + offset)

  it.each<[string, ListParameters, number[]]>([
    ['none', {}, [1, 2, 3, 4, 5, 6]],
    ['subject', { subject: ALICE }, [1, 2, 4]],
    ['subject in upper case', { subject: ALICE.toUpperCase() }, [1, 2, 4]],
    ['relation', { relation: 'audit.chain-create' }, [1]],
    ['object_type', { objectType: 'project' }, [2, 3, 5]],
    ['object_id', { objectId: 'a' }, [2, 4, 5]],
    ['object_id with a colon', { objectId: 'a:b' }, [3]],
    ['object_type and object_id', { objectType: 'project', objectId: 'a' }, [2, 5]],
    ['reason granted', { reasons: ['granted'] }, [1, 2, 6]],
    ['reason out_of_scope', { reasons: ['out_of_scope'] }, [3]],
    ['reason insufficient_relation', { reasons: ['insufficient_relation'] }, [4]],
    ['reason caveat_violation', { reasons: ['caveat_violation'] }, [5]],
    ['reason unknown', { reasons: ['unknown'] }, []],
    ['one of two reasons', { reasons: ['caveat_violation', 'out_of_scope'] }, [3, 5]],
    ['one of granted and another reason', { reasons: ['granted', 'out_of_scope'] }, [1, 2, 3, 6]],
    ['the same reason twice', { reasons: ['out_of_scope', 'out_of_scope'] }, [3]],
    ['any reason but granted', { reasons: DENIED }, [3, 4, 5]],
    ['one of several reasons, and a time', { reasons: DENIED, from: at(4) }, [4, 5]],
    ['an object as type:id', { object: 'project:a' }, [2, 5]],
    ['an object whose id has a colon', { object: 'project:a:b' }, [3]],
    ['from, inclusive', { from: at(4) }, [4, 5, 6]],
    ['from, one microsecond later', { from: at(4, 1n) }, [5, 6]],
    ['to, inclusive', { to: at(3) }, [1, 2, 3]],
    ['to, one microsecond earlier', { to: at(3, -1n) }, [1, 2]],
    ['from and to, equal', { from: at(3), to: at(3) }, [3]],
    ['from beyond the end', { from: at(7) }, []],
    ['to before the beginning', { to: at(0) }, []],
    ['from in nanoseconds just after a row', { from: at(4).replace('Z', '001Z') }, [5, 6]],
    ['to in nanoseconds just after a row', { to: at(3).replace('Z', '999Z') }, [1, 2, 3]],
    ['from in another zone', { from: '2026-01-01T01:00:05.000001+01:00' }, [5, 6]],
    [
      'from in year 1, to in year 9999',
      { from: '0001-01-01T00:00:00Z', to: '9999-12-31T23:59:59Z' },
      [1, 2, 3, 4, 5, 6],
    ],
    ['correlation_id', { correlationId: 'c-1' }, [2, 3]],
    ['correlation_id, empty', { correlationId: '' }, [1, 4, 5]],
    [
      'all of them',
      {
        subject: BOB,
        relation: 'project.read',
        objectType: 'project',
        objectId: 'a:b',
        reasons: ['out_of_scope'],
        from: at(2),
        to: at(5),
        correlationId: 'c-1',
      },
      [3],
    ],
    [
      'all but one of them',
      {
        subject: ALICE,
        relation: 'project.read',
        objectType: 'project',
        objectId: 'a:b',
        reasons: ['out_of_scope'],
        from: at(2),
        to: at(5),
        correlationId: 'c-1',
      },
      [],
    ],
    ['SQL as text', { relation: "x' OR true --" }, []],
  ])('returns the matching rows: %s', async (_name, parameters, expected) => {
    const page = await list(DOMAIN, parameters)
    expect(seqsOf(page)).toEqual(expected)
    expect(page).not.toHaveProperty('next_cursor')
  })
})

describe('listEntries', () => {
  it.each<[string, string, ListParameters & { cursor?: string }]>([
    ['invalid_limit', 'zero', { limit: '0' }],
    ['invalid_limit', 'above 200', { limit: '201' }],
    ['invalid_limit', 'negative', { limit: '-1' }],
    ['invalid_limit', 'fraction', { limit: '1.5' }],
    ['invalid_limit', 'exponent', { limit: '1e1' }],
    ['invalid_limit', 'empty', { limit: '' }],
    ['invalid_subject', 'plaintext', { subject: 'alice@example.com' }],
    ['invalid_subject', 'one digit short', { subject: ALICE.slice(1) }],
    ['invalid_range', 'to before from', { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }],
    [
      'invalid_range',
      'to one microsecond before from',
      { from: '2026-01-01T00:00:00.000001Z', to: '2026-01-01T00:00:00Z' },
    ],
    ['invalid_range', 'no time', { from: 'yesterday' }],
    ['invalid_range', 'no such day', { to: '2026-02-30T00:00:00Z' }],
    ['invalid_input', 'empty relation', { relation: '' }],
    ['invalid_input', 'U+0000', { objectId: 'a\0b' }],
    ['invalid_input', 'lone surrogate', { correlationId: '\ud800' }],
    ['invalid_input', 'long relation', { relation: 'x'.repeat(129) }],
    ['invalid_input', 'reason, the second one', { reasons: ['granted', 'denied'] }],
    ['invalid_input', 'object without a colon', { object: 'project' }],
    ['invalid_input', 'object without a type', { object: ':a' }],
    ['invalid_input', 'object without an id', { object: 'project:' }],
    ['invalid_input', 'type with a colon', { objectType: 'a:b' }],
    ['invalid_input', 'reason', { reasons: ['denied'] }],
    ['invalid_cursor', 'empty', { cursor: '' }],
    ['invalid_cursor', 'not base64url', { cursor: '!' }],
  ])('rejects with %s: %s', async (code, _name, parameters) => {
    await expect(async () => list(DOMAIN, parameters)).rejects.toMatchObject({ code })
  })

  it('rejects with domain_not_found for an unknown Domain', async () => {
    await expect(list(NOWHERE)).rejects.toMatchObject({ code: 'domain_not_found' })
    await expect(streamEntries(reader, NOWHERE, {}).next()).rejects.toMatchObject({
      code: 'domain_not_found',
    })
  })

  it('knows the platform chain before its first row', async () => {
    expect(await list(PLATFORM_ANCHOR)).toEqual({ items: [] })
  })

  it('returns the rows of a Domain whose registry entry is gone', async () => {
    const orphan = '018f0000-0000-7000-8000-0000000000aa'
    await insertRows(database.url, chainRows(orphan, [{}, {}]))
    expect(seqsOf(await list(orphan, { relation: 'project.read' }))).toEqual([1, 2])
    expect(seqsOf(await list(orphan, { relation: 'nothing' }))).toEqual([])
  })
})

describe('pages', () => {
  it('contain each row once, and the last page has no next_cursor', async () => {
    const first = await list(OTHER, { limit: '3' })
    const second = await list(OTHER, { limit: '3', ...cursorOf(first) })
    const third = await list(OTHER, { limit: '3', ...cursorOf(second) })
    expect([first, second, third].map(seqsOf)).toEqual([[1, 2, 3], [4, 5, 6], [7]])
    expect(third).not.toHaveProperty('next_cursor')
  })

  it('have no next_cursor on a full last page', async () => {
    expect(await list(OTHER, { limit: '7' })).not.toHaveProperty('next_cursor')
    expect(await list(OTHER, { limit: '6' })).toHaveProperty('next_cursor')
  })

  it('apply the filter on every page', async () => {
    const first = await list(DOMAIN, { limit: '2', subject: BOB })
    const second = await list(DOMAIN, { limit: '2', subject: BOB, ...cursorOf(first) })
    expect([first, second].map(seqsOf)).toEqual([[3, 5], [6]])
  })

  it('contain rows appended meanwhile once, at the end', async () => {
    const rows = chainRows(
      BUSY,
      Array.from({ length: 60 }, () => ({})),
    )
    await asSuperuser(database.url, `INSERT INTO audit_domain (domain_id) VALUES ('${BUSY}')`)
    await insertRows(database.url, rows.slice(0, 10))
    const seqs: number[] = []
    let cursor: string | undefined
    let appended = 10
    do {
      const page = await list(BUSY, { limit: '4', ...(cursor !== undefined && { cursor }) })
      seqs.push(...seqsOf(page))
      cursor = page.next_cursor
      await insertRows(database.url, rows.slice(appended, appended + 3))
      appended = Math.min(appended + 3, rows.length)
    } while (cursor !== undefined)
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, i) => i + 1))
    expect(seqs).toHaveLength(28)
  })

  it('reject a cursor of another Domain, of another key, or with an edit', async () => {
    const page = await list(OTHER, { limit: '3' })
    const cursor = page.next_cursor ?? ''
    const otherKey = encodeCursor(new Uint8Array(32).fill(8), OTHER, 3)
    const edited = `${cursor.startsWith('A') ? 'B' : 'A'}${cursor.slice(1)}`
    for (const [domainId, text] of [
      [DOMAIN, cursor],
      [OTHER, otherKey],
      [OTHER, edited],
      [OTHER, `${cursor}A`],
      [OTHER, cursor.slice(0, -1)],
    ] as const) {
      await expect(list(domainId, { cursor: text })).rejects.toMatchObject({ code: 'invalid_cursor' })
    }
  })

  it('need no key for a single page, and explain what to do if a cursor needs one', async () => {
    expect(seqsOf(await list(OTHER, {}, keyless))).toHaveLength(7)
    await expect(list(OTHER, { limit: '6' }, keyless)).rejects.toMatchObject({
      code: 'pepper_not_configured',
      advice: { code: 'stream_all_rows', or: { code: 'name_pepper' } },
    })
  })

  it('stream every row without a key', async () => {
    const items: ReadEntry[] = []
    for await (const item of streamEntries(reader, DOMAIN, parseFilter({ subject: ALICE }))) items.push(item)
    expect(items.map((item) => item.seq)).toEqual([1, 2, 4])
  })

  it('stop when the signal aborts', async () => {
    const signal = AbortSignal.abort(new Error('stop'))
    await expect(streamEntries(reader, DOMAIN, {}, undefined, signal).next()).rejects.toThrow('stop')
  })
})

describe('a range of a page', () => {
  const readers: readonly [string, (url: Database) => EntryReader][] = [
    ['the reader of indexes', postgresEntryReader],
    ['the reader by the primary key', postgresKeyReader],
  ]

  it.each<[string, ListParameters, PageRange, number[]]>([
    ['an upper bound, inclusive', {}, { after: 0, upTo: 3, limit: 9 }, [1, 2, 3]],
    ['both bounds', {}, { after: 2, upTo: 4, limit: 9 }, [3, 4]],
    ['bounds around no row', {}, { after: 4, upTo: 4, limit: 9 }, []],
    ['descending order from the end', {}, { after: 0, limit: 2, order: 'descending' }, [6, 5]],
    ['descending order from a bound', {}, { after: 1, upTo: 4, limit: 9, order: 'descending' }, [4, 3, 2]],
    [
      'descending order with a filter',
      { subject: ALICE },
      { after: 0, limit: 2, order: 'descending' },
      [4, 2],
    ],
    [
      'descending order of a time range',
      { from: '2026-01-01T00:00:02Z', to: '2026-01-01T00:00:05Z' },
      { after: 0, limit: 2, order: 'descending' },
      [4, 3],
    ],
  ])('is honoured by both readers: %s', async (_name, parameters, range, expected) => {
    for (const [, open] of readers) {
      const rows = await open(db).page(DOMAIN, parseFilter(parameters), range)
      expect(rows.map(({ seq }) => seq)).toEqual(expected)
    }
  })

  it.each(readers)(
    'gives each row the stored row before it, also one that the filter hides: %s',
    async (_name, open) => {
      const all = await open(db).page(DOMAIN, {}, { after: 0, limit: 9 })
      const hashes = all.map(({ seq, entryHash }) => ({ seq, entryHash }))
      expect(all.map(({ previous }) => previous)).toEqual([
        { seq: 0, entryHash: ZERO_HASH },
        ...hashes.slice(0, -1),
      ])
      const some = await open(db).page(DOMAIN, parseFilter({ subject: ALICE }), { after: 2, limit: 9 })
      expect(some.map(({ previous }) => previous)).toEqual([hashes[2]])
      expect((await open(db).rowsAt(DOMAIN, 4))[0]?.previous).toEqual(hashes[2])
    },
  )
})

const cursorOf = (page: AuditEntryList) =>
  page.next_cursor === undefined ? {} : { cursor: page.next_cursor }

describe('data beside the chain', () => {
  it('is returned with its row while it exists', async () => {
    await asSuperuser(
      database.url,
      `INSERT INTO audit_subject_pii (domain_id, subject_pseudonym, identity_id)
         VALUES ('${DOMAIN}', '\\x${ALICE}', '${IDENTITY}');
       INSERT INTO audit_entry_context (domain_id, seq, ip, user_agent)
         VALUES ('${DOMAIN}', 2, '2001:db8::1/128', 'curl/8'), ('${DOMAIN}', 3, '192.0.2.1', NULL)`,
    )
    const { items } = await list(DOMAIN, { limit: '3' })
    expect(items.map((item) => item.subject)).toEqual([
      { pseudonym: ALICE, identity_id_ref: IDENTITY },
      { pseudonym: ALICE, identity_id_ref: IDENTITY },
      { pseudonym: BOB },
    ])
    expect(items.map((item) => item.request_context)).toEqual([
      {},
      { ip: '2001:db8::1', user_agent: 'curl/8' },
      { ip: '192.0.2.1' },
    ])
  })

  it('is returned with exact microseconds', async () => {
    const { items } = await list(DOMAIN, { limit: '1' })
    expect(items[0]?.occurred_at).toBe('2026-01-01T00:00:01.000001Z')
  })
})

describe('rows forced into the table', () => {
  const HOSTILE_ROWS: readonly [string, string, Partial<AuditEntry>][] = [
    ['subject_pseudonym', 'NULL', { subject: { pseudonym: '' } }],
    ['subject_pseudonym', "'\\x01'", { subject: { pseudonym: '01' } }],
    ['relation', 'NULL', { relation: '' }],
    ['object', 'NULL', { object: { type: '', id: '' } }],
    ['object', "'no colon'", { object: { type: 'no colon', id: '' } }],
    ['object', "':'", { object: { type: '', id: '' } }],
    ['reason', 'NULL', { reason: 'unknown', decision: { result: 'unknown', caveat_context: {} } }],
    ['reason', '0', { reason: 'unknown' }],
    ['reason', '9', { reason: 'unknown' }],
    ['reason', '257', { reason: 'unknown' }],
    ['reason', '-32768', { reason: 'unknown' }],
    ['relation_path', 'NULL', { reason: 'granted' }],
    ['relation_path', "'{{a,b}}'", { reason: 'granted' }],
    ['caveat_context', 'NULL', { decision: { result: 'granted', caveat_context: {} } }],
    ['caveat_context', "'{{a,b}}'", { decision: { result: 'granted', caveat_context: {} } }],
    ['caveat_context', "'[0:1]={a,b}'", { decision: { result: 'granted', caveat_context: {} } }],
    ['caveat_context', "'{a,NULL}'", { decision: { result: 'granted', caveat_context: {} } }],
    ['caveat_context', "'{a.b=secret,c}'", { decision: { result: 'granted', caveat_context: { c: [] } } }],
    ['correlation_id', 'NULL', { correlation_id: '' }],
    ['zedtoken', 'NULL', { reason: 'granted' }],
    ['recorded_at', 'NULL', { occurred_at: '0001-01-01T00:00:00.000000Z' }],
    ['recorded_at', "'infinity'", { occurred_at: '9999-12-31T23:59:59.999999Z' }],
    ['recorded_at', "'-infinity'", { occurred_at: '0001-01-01T00:00:00.000000Z' }],
    ['recorded_at', "'4713-01-01 BC'", { occurred_at: '0001-01-01T00:00:00.000000Z' }],
    ['recorded_at', "'294276-12-31'", { occurred_at: '9999-12-31T23:59:59.999999Z' }],
    ['prev_hash', 'NULL', { prev_hash: '' }],
    ['entry_hash', "'\\xff'", { entry_hash: 'ff' }],
    ['generation', 'NULL', { reason: 'granted' }],
  ]

  beforeAll(async () => {
    await asSuperuser(database.url, (client) => dropChecks(client))
    await insertDomain(
      database.url,
      HOSTILE,
      Array.from({ length: HOSTILE_ROWS.length + 1 }, () => ({})),
    )
    await asSuperuser(database.url, async (client) => {
      for (const [index, [column, value]] of HOSTILE_ROWS.entries()) {
        const where = `domain_id = '${HOSTILE}' AND seq = ${index + 1}`
        await client.query(`UPDATE audit_log_entry SET ${column} = ${value} WHERE ${where}`)
      }
    })
  })

  it('are all listed', async () => {
    const { items } = await list(HOSTILE, { limit: '200' })
    expect(items).toHaveLength(HOSTILE_ROWS.length + 1)
    for (const [index, [, , expected]] of HOSTILE_ROWS.entries()) expect(items[index]).toMatchObject(expected)
  })

  it('match the filter for an unknown reason', async () => {
    const { items } = await list(HOSTILE, { reasons: ['unknown'] })
    expect(items.map((item) => item.reason)).toEqual(Array(5).fill('unknown'))
  })

  it('do not break a time range by an infinite time', async () => {
    const page = await list(HOSTILE, { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' })
    expect(page.items.length).toBeGreaterThan(19)
  })

  it('are skipped with a seq below 1 or beyond 2^53-1, without ending the pages', async () => {
    await asSuperuser(
      database.url,
      `INSERT INTO audit_log_entry (domain_id, seq, prev_hash)
       VALUES ('${HOSTILE}', 0, '\\xaa'), ('${HOSTILE}', -1, '\\xab'), ('${HOSTILE}', 9007199254740992, '\\xac')`,
    )
    const { items } = await list(HOSTILE, { limit: '200' })
    expect(items).toHaveLength(HOSTILE_ROWS.length + 1)
  })
})

describe('the query plan', () => {
  const BIG = '018f0000-0000-7000-8000-0000000000b1'

  beforeAll(async () => {
    await asSuperuser(
      database.url,
      `INSERT INTO audit_log_entry (domain_id, seq, subject_pseudonym, relation, object, reason, correlation_id,
         recorded_at, prev_hash, entry_hash)
       SELECT '${BIG}', n, sha256(int4send(n % 500)), 'r' || n % 500, 't' || n % 400 || ':' || n % 300,
         1 + (n % 1000 = 0)::int, 'c' || n / 3, '2026-01-01'::timestamptz + n * interval '1 second',
         sha256(int4send(n - 1)), sha256(int4send(n))
       FROM generate_series(1, 20000) n;
       ANALYZE audit_log_entry`,
    )
  })

  it.each<[string, string, ListParameters]>([
    ['none', 'audit_log_entry_pkey', {}],
    ['subject', 'audit_log_entry_by_subject', { subject: ALICE }],
    ['relation', 'audit_log_entry_by_relation', { relation: 'r7' }],
    ['object_type', 'audit_log_entry_by_object_type', { objectType: 't7' }],
    ['object_id', 'audit_log_entry_by_object_id', { objectId: '7' }],
    ['object', 'audit_log_entry_by_object_', { objectType: 't7', objectId: '7' }],
    ['reason', 'audit_log_entry_by_reason ', { reasons: ['out_of_scope'] }],
    ['granted', 'audit_log_entry_pkey', { reasons: ['granted'] }],
    ['unknown', 'audit_log_entry_by_reason_unknown', { reasons: ['unknown'] }],
    ['correlation_id', 'audit_log_entry_by_correlation', { correlationId: 'c7' }],
    ['from', 'audit_log_entry_pkey', { from: '2026-01-01T03:00:00Z' }],
    ['to', 'audit_log_entry_pkey', { to: '2026-01-01T03:00:00Z' }],
    ['relation and from', 'audit_log_entry_by_relation', { relation: 'r7', from: '2026-01-01T03:00:00Z' }],
  ])('for the filter %s uses the index %s', async (_name, index, parameters) => {
    const plan = await planOf(BIG, parameters)
    expect(plan).toContain(index)
    expect(plan).not.toContain('Seq Scan on audit_log_entry')
  })

  it('reads the row before each row by the primary key', async () => {
    const plan = await planOf(
      BIG,
      { relation: 'r7' },
      'ANALYZE, BUFFERS OFF, COSTS OFF, TIMING OFF, SUMMARY OFF',
    )
    expect(plan).toContain(
      'Index Scan Backward using audit_log_entry_pkey on audit_log_entry b (actual rows=1',
    )
  })

  it.each(DENIED.slice(0, 3))('for several reasons uses the index of the reason %s', async (reason) => {
    const plan = await planOf(BIG, { reasons: DENIED })
    expect(plan).toMatch(
      new RegExp(`audit_log_entry_by_reason .*\\n.*reason = ${1 + DENIED.indexOf(reason) + 1}`),
    )
    expect(plan).toContain('audit_log_entry_by_reason_unknown')
    expect(plan).not.toMatch(/audit_log_entry_pkey on audit_log_entry(?! b )/)
    expect(plan).not.toContain('Seq Scan on audit_log_entry')
  })

  it('reads only the page for a time range in the middle of the chain', async () => {
    const range = { from: '2026-01-01T03:00:00Z', to: '2026-01-01T03:00:30Z' }
    const plan = await planOf(BIG, range, 'ANALYZE, BUFFERS OFF, COSTS OFF, TIMING OFF, SUMMARY OFF')
    const removed = [...plan.matchAll(/Rows Removed by Filter: (\d+)/g)].map((match) => Number(match[1]))
    expect(Math.max(0, ...removed)).toBeLessThan(10)
    expect(plan).toContain('rows=31')
  })
})

/** Returns the plan of the statement that a list executes. */
async function planOf(domainId: string, parameters: ListParameters, options = 'COSTS'): Promise<string> {
  const statements: [string, unknown[]][] = []
  const recorder = {
    query: async (sql: string, values: unknown[]) => {
      statements.push([sql, values])
      return { rows: await rowsOf(database.url, sql, values) }
    },
  }
  const range = { after: 0, limit: 51 }
  await readPage(recorder as unknown as Client, domainId, parseFilter(parameters), range)
  const [sql, values] = statements.at(-1) ?? ['', []]
  const rows = await rowsOf(database.url, `EXPLAIN (${options}) ${sql}`, values)
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}
