import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { matches } from '../../src/base/row-filter.js'
import { LIMITS } from '../../src/chain/limits.js'
import { formatTimestamp } from '../../src/chain/timestamp.js'
import type { EntryReader } from '../../src/ports/query.js'
import { postgresCounts } from '../../src/repo/query/count-rows.js'
import { postgresEntryReader, postgresKeyReader } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { firstSeq } from '../../src/repo/time-range/first-seq.js'
import { dropChecks, T0 } from '../support/chain-rows.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const YEAR = 365n * 86_400n * 1_000_000n
const { signal } = new AbortController()

interface Stored {
  readonly seq: number
  /** Microseconds, or what PostgreSQL takes as a time. */
  readonly time: bigint | 'infinity' | '-infinity' | null
}

let database: TestDatabase
let db: Database
let plain: EntryReader
let byKey: EntryReader
let chains = 0

beforeAll(async () => {
  database = await testDatabase()
  db = new Database(database.url)
  plain = postgresEntryReader(db)
  byKey = postgresKeyReader(db)
  await asSuperuser(database.url, (client) => dropChecks(client))
})

afterAll(async () => {
  await db.close()
  await database.drop()
})

/** Writes rows to a chain of their own, and returns its id. */
async function chainOf(rows: readonly Stored[]): Promise<string> {
  chains += 1
  const domainId = `018f0000-0000-7000-8000-${String(chains).padStart(12, '0')}`
  const times = rows.map(({ time }) => (typeof time === 'bigint' ? formatTimestamp(time) : time))
  await asSuperuser(database.url, async (client) => {
    await client.query(
      `INSERT INTO audit_log_entry (domain_id, seq, relation, reason, recorded_at, prev_hash, entry_hash)
       SELECT $1, seq, 'r' || abs(seq) % 2, 1, time::timestamptz, sha256(int8send(seq)), sha256(int8send(seq))
       FROM unnest($2::bigint[], $3::text[]) AS r (seq, time)`,
      [domainId, rows.map(({ seq }) => String(seq)), times],
    )
  })
  return domainId
}

async function seqsOf(reader: EntryReader, domainId: string, range: Bounds, relation?: string) {
  const filter = { ...range, relation }
  const page = { after: 0, limit: 1_000 }
  const rows = await reader.page(domainId, filter, page)
  const down = await reader.page(domainId, filter, { ...page, order: 'descending' })
  expect(down.map(({ seq }) => seq).reverse()).toEqual(rows.map(({ seq }) => seq))
  return rows.map(({ seq }) => seq)
}

interface Bounds {
  readonly from?: bigint | undefined
  readonly to?: bigint | undefined
}

function within(rows: readonly Stored[], range: Bounds): number[] {
  return rows
    .filter(({ seq, time }) => seq >= 1 && matches(range, { recordedAt: time ?? undefined }))
    .map(({ seq }) => seq)
}

/** Seqs with gaps of any size, ascending, up to the last one that a chain may have. */
const seqs = fc.oneof(
  fc.integer({ min: 1, max: 70 }).map((count) => Array.from({ length: count }, (_, index) => index + 1)),
  fc
    .uniqueArray(fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: LIMITS.maxSeq })), {
      minLength: 1,
      maxLength: 40,
    })
    .map((unique) => unique.sort((a, b) => a - b)),
)

/** Few values, so that many rows share a time; also far ahead of the clock. */
const time = fc
  .tuple(fc.integer({ min: 0, max: 8 }), fc.constantFrom(0n, 0n, 0n, 40n * YEAR, -40n * YEAR))
  .map(([step, years]) => T0 + BigInt(step) * 10n + years)

const bound = fc.tuple(time, fc.constantFrom(-1n, 0n, 1n)).map(([at, beside]) => at + beside)

const bounds: fc.Arbitrary<Bounds> = fc.record({
  from: fc.option(bound, { nil: undefined }),
  to: fc.option(bound, { nil: undefined }),
})

const ordered = fc
  .tuple(seqs, fc.array(time, { minLength: 70, maxLength: 70 }))
  .map(([all, times]): Stored[] => {
    const inOrder = times.slice(0, all.length).sort((a, b) => (a < b ? -1 : Number(a > b)))
    return all.map((seq, index) => ({ seq, time: inOrder[index] ?? T0 }))
  })

const edited = fc
  .tuple(
    seqs,
    fc.array(fc.oneof(time, fc.constantFrom<Stored['time']>('infinity', '-infinity', null)), {
      minLength: 70,
      maxLength: 70,
    }),
  )
  .map(([all, times]): Stored[] => all.map((seq, index) => ({ seq, time: times[index] ?? null })))

describe('a time range', () => {
  it('is exact on a chain whose times are in order, with gaps, equal times and times ahead of the clock', async () => {
    let found = 0
    await fc.assert(
      fc.asyncProperty(ordered, fc.array(bounds, { minLength: 6, maxLength: 6 }), async (rows, ranges) => {
        const domainId = await chainOf(rows)
        for (const range of ranges) {
          const expected = within(rows, range)
          expect(await seqsOf(plain, domainId, range)).toEqual(expected)
          expect(await seqsOf(byKey, domainId, range)).toEqual(expected)
          const odd = expected.filter((seq) => seq % 2 === 1)
          expect(await seqsOf(plain, domainId, range, 'r1')).toEqual(odd)
          found += expected.length
        }
      }),
      { numRuns: 15 },
    )
    expect(found).toBeGreaterThan(100)
  })

  it('never shows a row outside it, whatever times somebody edited, and by the primary key shows all rows in it', async () => {
    await fc.assert(
      fc.asyncProperty(edited, fc.array(bounds, { minLength: 6, maxLength: 6 }), async (rows, ranges) => {
        const domainId = await chainOf(rows)
        for (const range of ranges) {
          const expected = within(rows, range)
          expect(await seqsOf(byKey, domainId, range)).toEqual(expected)
          const shown = await seqsOf(plain, domainId, range)
          expect(shown.filter((seq) => !expected.includes(seq))).toEqual([])
        }
      }),
      { numRuns: 15 },
    )
  })

  it('counts the rows that a list shows, and those ahead of the clock', async () => {
    const ahead = T0 + 40n * YEAR
    const domainId = await chainOf(
      [T0, T0, T0 + 1n, ahead, ahead, ahead + 1n].map((at, index) => ({ seq: 3 * index + 1, time: at })),
    )
    const request = { domainId, range: { after: 0 }, dimensions: [], values: 1 }
    const count = async (filter: Bounds) =>
      (await postgresCounts(db).count({ ...request, filter }, signal)).rows
    expect(await count({ from: T0, to: T0 })).toBe(2)
    expect(await count({ from: T0 + 1n, to: ahead })).toBe(3)
    expect(await count({ from: ahead + 2n })).toBe(0)
    expect(await plain.countAhead(domainId)).toMatchObject({ rows: 3 })
  })
})

describe('the search for the first row of a range', () => {
  const MAX = LIMITS.maxSeq

  it.each<[string, readonly Stored[], string, number]>([
    ['no row', [], '>=', 1],
    ['a row before the bound', [{ seq: 1, time: T0 - 1n }], '>=', 2],
    ['a row at the bound', [{ seq: 1, time: T0 }], '>=', 1],
    ['a row at the bound that is not wanted', [{ seq: 1, time: T0 }], '>', 2],
    ['equal times at the bound', [1, 2, 3, 4, 5].map((seq) => ({ seq, time: T0 })), '>=', 1],
    ['the last seq that a chain may have', [1, MAX].map((seq) => ({ seq, time: T0 })), '>', MAX + 1],
    [
      'a row far beyond the others',
      [
        { seq: 1, time: T0 - 1n },
        { seq: 2, time: T0 },
        { seq: MAX, time: T0 },
      ],
      '>=',
      2,
    ],
    ['seqs beyond both ends', [-1, 0, MAX + 1].map((seq) => ({ seq, time: T0 })), '>=', 1],
    ['only infinite times', [1, 2, 3].map((seq) => ({ seq, time: 'infinity' as const })), '>=', 1],
    [
      'only times in the infinite past',
      [1, 2, 3].map((seq) => ({ seq, time: '-infinity' as const })),
      '>=',
      4,
    ],
    ['no times', [1, 2, 3].map((seq) => ({ seq, time: null })), '>=', 4],
  ])('with %s ends', async (_title, rows, operator, expected) => {
    const domainId = await chainOf(rows)
    const bound = formatTimestamp(T0)
    const sql = `SELECT ${firstSeq('$1', `${operator} $2::timestamptz`)}::text AS first`
    const [row] = await rowsOf(database.url, sql, [domainId, bound])
    expect(row?.first).toBe(BigInt(expected).toString())
  })

  it('looks at no more than 54 rows, wherever rows were forced in', async () => {
    const powers = Array.from({ length: 53 }, (_, power) => 2 ** power)
    const domainId = await chainOf([...powers, MAX].map((seq) => ({ seq, time: T0 })))
    const sql = `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT ${firstSeq('$1', '> $2::timestamptz')}`
    const plan = await rowsOf(database.url, sql, [domainId, formatTimestamp(T0)])
    const loops = plan.map((line) => Number(/loops=(\d+)/.exec(String(line['QUERY PLAN']))?.[1] ?? 0))
    expect(Math.max(...loops)).toBeLessThanOrEqual(54)
  })
})
