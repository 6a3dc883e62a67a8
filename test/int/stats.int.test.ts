import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowFilter } from '../../src/base/row-filter.js'
import { REASONS } from '../../src/chain/reason.js'
import type { EntryReader } from '../../src/ports/query.js'
import { type ChainCounts, type CountStore, DIMENSIONS, MAX_VALUES } from '../../src/ports/stats.js'
import { streamEntries } from '../../src/query/list.js'
import { RowCounter } from '../../src/query/stats/row-counter.js'
import { statsOf } from '../../src/query/stats/stats-report.js'
import { postgresCounts } from '../../src/repo/query/count-rows.js'
import { postgresEntryReader } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { chainRows, dropChecks, insertRows, type RowOptions, T0 } from '../support/chain-rows.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

const HOUR = 3_600_000_000n
const signal = new AbortController().signal

let database: TestDatabase
let db: Database
let store: CountStore
let reader: EntryReader
let chains = 0

beforeAll(async () => {
  database = await testDatabase()
  db = new Database(database.url)
  store = postgresCounts(db)
  reader = postgresEntryReader(db)
  await asSuperuser(database.url, (client) => dropChecks(client))
})

afterAll(async () => {
  await db.close()
  await database.drop()
})

async function chainOf(rows: readonly RowOptions[]): Promise<string> {
  chains += 1
  const domainId = `018f0000-0000-7000-8000-${String(chains).padStart(12, '0')}`
  await insertRows(database.url, chainRows(domainId, rows))
  return domainId
}

async function streamed(domainId: string, filter: RowFilter): Promise<ChainCounts> {
  const counter = new RowCounter(DIMENSIONS)
  for await (const row of streamEntries(reader, domainId, filter, { after: 0 }, signal)) counter.add(row)
  return counter.counts
}

/** Expects the statistics of PostgreSQL, cut there, to be those of the rows that pass by, cut at the end. */
async function expectSame(domainId: string, filter: RowFilter, top: number): Promise<void> {
  const request = { domainId, filter, range: { after: 0 }, dimensions: DIMENSIONS, values: top }
  const fromSql = statsOf([{ domainId, counts: await store.count(request, signal) }], DIMENSIONS, top)
  const fromRows = statsOf([{ domainId, counts: await streamed(domainId, filter) }], DIMENSIONS, top)
  expect(fromSql).toEqual(fromRows)
}

const rowArbitrary: fc.Arbitrary<RowOptions> = fc.record({
  subjectPseudonym: fc.constantFrom('a1', 'b0', 'c2').map((byte) => byte.repeat(32)),
  relation: fc.constantFrom('a', 'A', 'é', '\u{10ffff}', '\uffee', 'audit.x'),
  object: fc.constantFrom('project:a', 'project:a:b', 'secret:a', 'project-:a'),
  reason: fc.constantFrom(...REASONS),
})

describe('statistics', () => {
  it('are the same by SQL and by a pass over the rows, also where values have the same count', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rowArbitrary, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom<RowFilter[]>(
          {},
          { reasons: ['granted'] },
          { objectType: 'project' },
          { from: T0 + HOUR },
        ),
        async (rows, top, filter) => {
          const timed = rows.map((row, i) => ({ ...row, recordedAt: T0 + (BigInt(i * i) * HOUR) / 3n }))
          await expectSame(await chainOf(timed), filter, top)
        },
      ),
      { numRuns: 15 },
    )
  })

  it('are the same for rows that were forced past their checks', async () => {
    const edits = [
      'subject_pseudonym = NULL',
      'relation = NULL',
      'object = NULL',
      "object = 'no colon'",
      'reason = NULL',
      'reason = 9',
      'recorded_at = NULL',
      "recorded_at = 'infinity'",
      "recorded_at = '-infinity'",
      "recorded_at = '4714-11-24 00:30:00+00 BC'",
      "recorded_at = '294276-12-31 23:59:59.999999+00'",
      "recorded_at = '1969-12-31 23:59:59.999999+00'",
    ]
    const domainId = await chainOf([...edits.map(() => ({})), {}])
    await asSuperuser(database.url, async (client) => {
      for (const [index, edit] of edits.entries()) {
        const where = `domain_id = '${domainId}' AND seq = ${index + 1}`
        await client.query(`UPDATE audit_log_entry SET ${edit} WHERE ${where}`)
      }
    })
    await expectSame(domainId, {}, 100)
    await expectSame(domainId, {}, 1)
  })

  it('name the most frequent values, and sum the rest', async () => {
    const relations = ['a', 'b', 'b', 'c', 'c', 'c', 'd']
    const domainId = await chainOf(
      relations.map((relation, i) => ({ relation, reason: i === 0 ? 'out_of_scope' : 'granted' })),
    )
    const dimensions = ['relation'] as const
    const request = { domainId, filter: {}, range: { after: 0 }, dimensions, values: 2 }
    const counts = await store.count(request, signal)
    expect(statsOf([{ domainId, counts }], dimensions, 2).blocks).toEqual([
      {
        dimension: 'relation',
        values: 4,
        groups: [
          { value: 'c', rows: 3, denied: 0 },
          { value: 'b', rows: 2, denied: 0 },
        ],
        other: { rows: 2, denied: 1 },
      },
    ])
  })

  it('add a value of several chains, and count it once', async () => {
    const ids = [await chainOf([{ relation: 'a' }, { relation: 'b' }]), await chainOf([{ relation: 'b' }])]
    const dimensions = ['relation'] as const
    const counted = await Promise.all(
      ids.map(async (domainId) => {
        const request = { domainId, filter: {}, range: { after: 0 }, dimensions, values: MAX_VALUES }
        return { domainId, counts: await store.count(request, signal) }
      }),
    )
    const { rows, blocks } = statsOf(counted, dimensions, 1)
    expect(rows).toBe(3)
    expect(blocks).toMatchObject([
      { values: 2, groups: [{ value: 'b', rows: 2 }], other: { rows: 1, denied: 0 } },
    ])
  })

  it('count only the rows of the range', async () => {
    const domainId = await chainOf([{}, {}, {}, {}])
    const request = { domainId, filter: {}, dimensions: [], values: 1 }
    expect(await store.count({ ...request, range: { after: 1, upTo: 3 } }, signal)).toMatchObject({
      rows: 2,
      firstSeq: 2,
      lastSeq: 3,
    })
  })

  it('stop when the signal aborts', async () => {
    const request = {
      domainId: await chainOf([{}]),
      filter: {},
      range: { after: 0 },
      dimensions: [],
      values: 1,
    }
    await expect(store.count(request, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
  })
})
