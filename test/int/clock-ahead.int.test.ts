import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { formatTimestamp, MAX_MICROS } from '../../src/chain/timestamp.js'
import { rowsAheadOf } from '../../src/query/rows-ahead.js'
import { postgresEntryReader } from '../../src/repo/query/entry-reader.js'
import { postgresRestoreTarget } from '../../src/repo/restore/restore.js'
import { Database } from '../../src/repo/session/database.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { Writer } from '../support/append-chains.js'
import { chainRows, insertRows, type RowOptions } from '../support/chain-rows.js'
import { HttpFixture } from '../support/http-fixture.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const DAY = 86_400_000_000n
const now = () => BigInt(Date.now()) * 1_000n
const as = (url: string, role: string) => `${url}&options=${encodeURIComponent(`-c role=${role}`)}`

let database: TestDatabase
let writer: Writer
let appender: Writer

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url)
  appender = new Writer(as(database.url, 'audit_writer'))
})

afterAll(async () => {
  await Promise.all([writer.close(), appender.close()])
  await database.drop()
})

async function endOf(domainId: string): Promise<{ seq: number; hash: string; micros: bigint }> {
  const [row] = await rowsOf(
    database.url,
    `SELECT seq::int, encode(entry_hash, 'hex') AS hash, (extract(epoch FROM recorded_at) * 1000000)::bigint::text AS micros
     FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq DESC LIMIT 1`,
    [domainId],
  )
  return { seq: Number(row?.seq), hash: String(row?.hash), micros: BigInt(String(row?.micros)) }
}

/** Returns rows that continue the chain as it is now. */
async function next(domainId: string, ...options: RowOptions[]): Promise<ChainedEntry[]> {
  const { seq, hash } = await endOf(domainId)
  return chainRows(domainId, options, seq + 1, hash)
}

/** Returns a chain whose last row is a year ahead, as a clock that once ran ahead leaves it. */
async function chainAhead(): Promise<string> {
  const domainId = await writer.create()
  const rows = await next(domainId, { recordedAt: now() + 365n * DAY })
  await insertRows(database.url, rows)
  return domainId
}

const verify = (source: PostgresSource, domainId: string, fromSeq = 1) =>
  verifyChain(source, { domainId, fromSeq, pins: [] }, () => undefined, new AbortController().signal)

describe('a role that only appends', () => {
  it.each<[string, (last: bigint) => RowOptions[], boolean]>([
    ['a row of now', () => [{ recordedAt: now() - 1_000n }], true],
    ['a row with the time of the row before', (last) => [{ recordedAt: last }], true],
    ['a row of the year 9999', () => [{ recordedAt: MAX_MICROS }], false],
    ['a row of tomorrow', () => [{ recordedAt: now() + DAY }], false],
    ['a row ten seconds ahead', () => [{ recordedAt: now() + 10_000_000n }], false],
    [
      'two rows, the first of the year 9999',
      () => [{ recordedAt: MAX_MICROS }, { recordedAt: MAX_MICROS }],
      false,
    ],
    [
      'two rows, the second of the year 9999',
      () => [{ recordedAt: now() - 1_000n }, { recordedAt: MAX_MICROS }],
      false,
    ],
  ])('writes %s', async (_name, options, isWritten) => {
    const domainId = await writer.create()
    const { micros } = await endOf(domainId)
    const rows = await next(domainId, ...options(micros))
    for (const role of ['audit_writer', 'audit_eraser']) {
      const written = insertRows(as(database.url, role), rows).then(
        () => 'written',
        (error: { code?: string; constraint?: string }) => [error.code, error.constraint],
      )
      expect(await written).toEqual(isWritten ? 'written' : ['23514', 'audit_log_entry_not_ahead'])
      if (isWritten) return
    }
    expect(await endOf(domainId)).toMatchObject({ seq: 1 })
  })

  it('continues a chain that is ahead with the time of its last row, and with no later one', async () => {
    const domainId = await chainAhead()
    const { micros } = await endOf(domainId)
    const same = await next(domainId, { recordedAt: micros }, { recordedAt: micros })
    await insertRows(as(database.url, 'audit_writer'), same)
    const later = await next(domainId, { recordedAt: micros + 1n })
    await expect(insertRows(as(database.url, 'audit_writer'), later)).rejects.toThrow('ahead of the clock')
  })

  it('cannot pass a chain off as one that is being restored', async () => {
    const domainId = await writer.create()
    const writing = as(database.url, 'audit_writer')
    await rowsOf(writing, `INSERT INTO audit_restore (domain_id, mirror_url) VALUES ($1, 'file:///x')`, [
      domainId,
    ])
    const rows = await next(domainId, { recordedAt: MAX_MICROS })
    await expect(insertRows(writing, rows)).rejects.toThrow('ahead of the clock')
    await rowsOf(writing, 'DELETE FROM audit_restore WHERE domain_id = $1', [domainId])
  })
})

describe('what must still work', () => {
  it('appends groups as audit_writer, whose clock reading is never ahead of the later check', async () => {
    const domainId = await appender.create()
    const placed = await Promise.all(Array.from({ length: 500 }, () => appender.record(domainId)))
    expect(placed.flat().every(({ secondsAhead }) => secondsAhead === undefined)).toBe(true)
  })

  it('appends to a chain that is ahead as audit_writer, and says by how much', async () => {
    const domainId = await chainAhead()
    const { micros } = await endOf(domainId)
    const placed = (await Promise.all([appender.record(domainId), appender.record(domainId)])).flat()
    for (const one of placed) {
      expect(one.recordedAt).toBe(micros)
      expect(one.secondsAhead).toBeGreaterThan(364 * 86_400)
    }
  })

  it('restores a chain that is ahead as audit_writer', async () => {
    const domainId = randomUUID()
    const rows = chainRows(domainId, [{}, { recordedAt: now() + DAY }, { recordedAt: MAX_MICROS }])
    const target = postgresRestoreTarget(appender.database)
    await target.begin(domainId, 'file:///mirror')
    await target.insert(rows.map((entry) => ({ entry, etag: '"x"' })))
    const last = rows.at(-1)
    await target.finish(
      domainId,
      { seq: 3, hash: last?.entryHash ?? '' },
      { createdAt: rows[0]?.recordedAt ?? 0n },
    )
    expect(await endOf(domainId)).toMatchObject({ seq: 3, micros: MAX_MICROS })
  })

  it('loads the data of a chain that is ahead as the owner of the tables, in any order', async () => {
    const domainId = await chainAhead()
    const copy = `SELECT * FROM audit_log_entry WHERE domain_id = '${domainId}'`
    await asSuperuser(
      database.url,
      `CREATE TABLE dumped AS ${copy}; DELETE FROM audit_log_entry WHERE domain_id = '${domainId}'`,
    )
    await rowsOf(database.url, 'INSERT INTO audit_log_entry SELECT * FROM dumped ORDER BY seq DESC')
    await rowsOf(database.url, 'DROP TABLE dumped')
    expect(await rowsOf(database.url, copy)).toHaveLength(2)
  })
})

describe('verify of a chain that is ahead', () => {
  it('is intact, and says from which row and by how much', async () => {
    const domainId = await chainAhead()
    await writer.record(domainId)
    const verdict = await verify(new PostgresSource(writer.database), domainId)
    expect(verdict).toMatchObject({ ok: true, findings: [], clockAhead: { fromSeq: 2 } })
    const seconds = verdict.clockAhead?.seconds ?? 0
    expect(Math.abs(seconds - 365 * 86_400)).toBeLessThan(120)
  })

  it('says the same where threads fold the chain, and for a segment', async () => {
    const domainId = await chainAhead()
    await Promise.all(Array.from({ length: 40 }, () => writer.record(domainId)))
    const threads = new PostgresSource(writer.database, { threads: 3, here: true, threadRows: 5 })
    expect((await verify(threads, domainId)).clockAhead).toMatchObject({ fromSeq: 2 })
    expect((await verify(threads, domainId, 10)).clockAhead).toMatchObject({ fromSeq: 10 })
  })

  it('says nothing within the tolerance of a minute, and for an honest chain', async () => {
    const domainId = await writer.create()
    const rows = await next(domainId, { recordedAt: now() + 30_000_000n })
    await insertRows(database.url, rows)
    const verdict = await verify(new PostgresSource(writer.database), domainId)
    expect([verdict.ok, verdict.clockAhead]).toEqual([true, undefined])
  })
})

describe('a list by time', () => {
  it('counts the rows that are ahead, only where it is by time and there are any', async () => {
    const db = new Database(database.url)
    try {
      const reader = postgresEntryReader(db)
      const domainId = await chainAhead()
      await writer.record(domainId)
      expect(await rowsAheadOf(reader, domainId, {})).toBeUndefined()
      for (const range of [{ from: 0n }, { to: now() }, { from: 0n, to: MAX_MICROS }])
        expect(await rowsAheadOf(reader, domainId, range)).toMatchObject({ rows: 2 })
      expect(await rowsAheadOf(reader, await writer.create(), { from: 0n })).toBeUndefined()
    } finally {
      await db.close()
    }
  })

  it('has a header over HTTP, and the same body', async () => {
    const fixture = await HttpFixture.make({ rows: 1 })
    try {
      const { domainId } = fixture
      const path = fixture.path('entries')
      const before = await fixture.ask('GET', `${path}?to=${formatTimestamp(now())}`)
      expect(before.headers['audit-clock-ahead-rows']).toBeUndefined()
      const [last] = await rowsOf(
        fixture.database.url,
        `SELECT seq::int, encode(entry_hash, 'hex') AS hash FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq DESC LIMIT 1`,
        [domainId],
      )
      const rows = chainRows(
        domainId,
        [{ recordedAt: MAX_MICROS }],
        Number(last?.seq) + 1,
        String(last?.hash),
      )
      await insertRows(fixture.database.url, rows)
      const after = await fixture.ask('GET', `${path}?to=${formatTimestamp(now())}`)
      expect(after.headers['audit-clock-ahead-rows']).toBe('1')
      expect(after.json().items).toHaveLength(before.json().items.length)
      expect((await fixture.ask('GET', path)).headers['audit-clock-ahead-rows']).toBeUndefined()
    } finally {
      await fixture.close()
    }
  })
})
