import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { matches, type RowFilter, type RowReason } from '../../src/base/row-filter.js'
import { REASONS } from '../../src/chain/reason.js'
import type { EntryReader, ReadEntry } from '../../src/ports/query.js'
import { postgresEntryReader, postgresKeyReader } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { chainRows, dropChecks, insertRows, type RowOptions, T0 } from '../support/chain-rows.js'
import { textArbitrary } from '../support/entry-arbitrary.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

const SECOND = 1_000_000n
/** Few values for each field, so that filters and rows meet often. */
const PSEUDONYMS = ['a1'.repeat(32), 'b0'.repeat(32)]
const RELATIONS = ['project.read', 'project.READ', '\u00e9', 'e\u0301']
const TYPES = ['project', 'project-']
const IDS = ['a', 'a:b', ':', '\u{10ffff}']
const CORRELATIONS = ['', 'c-1', '\u202e']
const TIMES = [0n, 1n, SECOND, 3n * SECOND].map((micros) => T0 + micros)
const ALL_REASONS: readonly RowReason[] = [...REASONS, 'unknown']

const rowArbitrary: fc.Arbitrary<RowOptions> = fc.record({
  subjectPseudonym: fc.constantFrom(...PSEUDONYMS),
  relation: fc.oneof(fc.constantFrom(...RELATIONS), textArbitrary(1, 128)),
  object: fc.tuple(fc.constantFrom(...TYPES), fc.constantFrom(...IDS)).map((parts) => parts.join(':')),
  reason: fc.constantFrom(...REASONS),
  correlationId: fc.constantFrom(...CORRELATIONS),
  recordedAt: fc.constantFrom(...TIMES),
})

const optional = <T>(...values: readonly T[]) =>
  fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 })

const filterArbitrary: fc.Arbitrary<RowFilter> = fc.record({
  subjectPseudonym: optional(...PSEUDONYMS),
  relation: optional(...RELATIONS),
  objectType: optional(...TYPES, 'no colon', ''),
  objectId: optional(...IDS, 'no colon', ''),
  reasons: fc.option(fc.array(fc.constantFrom(...ALL_REASONS), { maxLength: 5 }), {
    nil: undefined,
    freq: 1,
  }),
  correlationId: optional(...CORRELATIONS),
  from: optional(...TIMES, T0 - 1n),
  to: optional(...TIMES, T0 + 2n),
})

let database: TestDatabase
let db: Database
let chains = 0

beforeAll(async () => {
  database = await testDatabase()
  db = new Database(database.url)
  await asSuperuser(database.url, (client) => dropChecks(client))
})

afterAll(async () => {
  await db.close()
  await database.drop()
})

/** Writes the rows to a chain of their own, and returns its id. */
async function chainOf(rows: readonly RowOptions[]): Promise<string> {
  chains += 1
  const domainId = `018f0000-0000-7000-8000-${String(chains).padStart(12, '0')}`
  await insertRows(database.url, chainRows(domainId, rows))
  return domainId
}

async function expectSame(
  reader: EntryReader,
  domainId: string,
  filters: readonly RowFilter[],
): Promise<number> {
  const seqs = (rows: readonly ReadEntry[]) => rows.map(({ seq }) => seq)
  const all = await reader.page(domainId, {}, { after: 0, limit: 1_000 })
  let selected = 0
  for (const filter of filters) {
    const rows = await reader.page(domainId, filter, { after: 0, limit: 1_000 })
    expect(seqs(all.filter((row) => matches(filter, row)))).toEqual(seqs(rows))
    selected += rows.length
  }
  return selected
}

describe('matches', () => {
  it('selects the rows that the indexes of PostgreSQL select, on a chain in order of time', async () => {
    let selected = 0
    const reader = postgresEntryReader(db)
    await fc.assert(
      fc.asyncProperty(
        fc.array(rowArbitrary, { minLength: 1, maxLength: 12 }),
        fc.array(filterArbitrary, { minLength: 10, maxLength: 10 }),
        async (rows, filters) => {
          const times = rows.map(({ recordedAt = T0 }) => recordedAt).sort((a, b) => Number(a - b))
          const ordered = rows.map((row, index) => ({ ...row, recordedAt: times[index] ?? T0 }))
          selected += await expectSame(reader, await chainOf(ordered), filters)
        },
      ),
      { numRuns: 30 },
    )
    expect(selected).toBeGreaterThan(0)
  })

  it('selects the rows that PostgreSQL selects by the primary key, in any order of time', async () => {
    let selected = 0
    const reader = postgresKeyReader(db)
    await fc.assert(
      fc.asyncProperty(
        fc.array(rowArbitrary, { minLength: 1, maxLength: 12 }),
        fc.array(filterArbitrary, { minLength: 10, maxLength: 10 }),
        async (rows, filters) => {
          selected += await expectSame(reader, await chainOf(rows), filters)
        },
      ),
      { numRuns: 30 },
    )
    expect(selected).toBeGreaterThan(0)
  })

  it('selects the rows that PostgreSQL selects where fields were forced past their checks', async () => {
    const edits = [
      'subject_pseudonym = NULL',
      "subject_pseudonym = '\\x01'",
      'relation = NULL',
      'object = NULL',
      "object = 'no colon'",
      "object = ''",
      "object = ':'",
      'reason = NULL',
      'reason = 0',
      'reason = 5',
      'reason = -32768',
      'correlation_id = NULL',
      'recorded_at = NULL',
      "recorded_at = 'infinity'",
      "recorded_at = '-infinity'",
      "recorded_at = '4713-01-01 BC'",
    ]
    const domainId = await chainOf([...edits.map(() => ({ object: 'project:a' })), {}])
    await asSuperuser(database.url, async (client) => {
      for (const [index, edit] of edits.entries()) {
        await client.query(
          `UPDATE audit_log_entry SET ${edit} WHERE domain_id = '${domainId}' AND seq = ${index + 1}`,
        )
      }
    })
    const reader = postgresKeyReader(db)
    await fc.assert(
      fc.asyncProperty(fc.array(filterArbitrary, { minLength: 10, maxLength: 10 }), async (filters) => {
        await expectSame(reader, domainId, filters)
      }),
      { numRuns: 20 },
    )
    const single: RowFilter[] = [
      ...ALL_REASONS.map((reason) => ({ reasons: [reason] })),
      ...['', 'no colon', 'project'].flatMap((text) => [{ objectType: text }, { objectId: text }]),
      { from: T0 },
      { to: T0 + 100n * SECOND },
      { from: T0, to: T0 + 100n * SECOND },
    ]
    expect(await expectSame(reader, domainId, single)).toBeGreaterThan(20)
  })
})
