import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FormatError } from '../../src/chain/format-error.js'
import { parseTimestamp } from '../../src/chain/timestamp.js'
import { migrate } from '../../src/repo/schema/migrate.js'
import { knownMigrations } from '../../src/repo/schema/migrations-files.js'
import { testDatabase } from '../support/postgres.js'
import { CONTEXT, DOMAIN, insert } from './schema-rows.js'

/** The version that has no event_time. */
const BEFORE = 12

/** Metadata as it is stored, and the event_time as PostgreSQL prints it in UTC. */
const CASES: readonly (readonly [metadata: string | null, eventTime: string | null])[] = [
  [null, null],
  ['{}', null],
  ['{"event_time":"2023-07-10T11:42:06Z"}', '2023-07-10 11:42:06+00'],
  ['{"event_time":"2023-07-10t11:42:06z"}', '2023-07-10 11:42:06+00'],
  ['{"a":1, "event_time" : "2023-07-10T11:42:06.5+02:00"}', '2023-07-10 09:42:06.5+00'],
  ['{"event_time":"2023-07-10T11:42:06.123456789Z"}', '2023-07-10 11:42:06.123456+00'],
  ['{"event_time":"2023-07-10T11:42:06-23:59"}', '2023-07-11 11:41:06+00'],
  ['{"event_time":"x","event_time":"2023-07-10T11:42:06Z"}', '2023-07-10 11:42:06+00'],
  ['{"event_time":"2024-02-29T00:00:00Z"}', '2024-02-29 00:00:00+00'],
  ['{"event_time":"0001-01-01T00:00:00Z"}', '0001-01-01 00:00:00+00'],
  ['{"event_time":"9999-12-31T23:59:59.999999Z"}', '9999-12-31 23:59:59.999999+00'],
  ['{"event_time":"0000-12-31T23:59:59Z"}', null],
  ['{"event_time":"0001-01-01T00:00:00+00:01"}', null],
  ['{"event_time":"9999-12-31T23:59:59Z-00:01"}', null],
  ['{"event_time":"9999-12-31T23:59:59.999999-00:01"}', null],
  ['{"event_time":"2023-02-29T00:00:00Z"}', null],
  ['{"event_time":"2023-00-10T00:00:00Z"}', null],
  ['{"event_time":"2023-07-10T24:00:00Z"}', null],
  ['{"event_time":"2023-07-10T23:60:00Z"}', null],
  ['{"event_time":"2023-07-10T23:59:60Z"}', null],
  ['{"event_time":"2023-07-10T11:42:06"}', null],
  ['{"event_time":"2023-07-10T11:42:06+24:00"}', null],
  ['{"event_time":"2023-07-10T11:42:06.Z"}', null],
  ['{"event_time":"2023-07-10 11:42:06Z"}', null],
  ['{"event_time":"2023-07-10T11:42:06Z\\n"}', null],
  ['{"event_time":"\u0662\u0660\u0662\u0663-07-10T11:42:06Z"}', null],
  ['{"event_time":"infinity"}', null],
  ['{"event_time":"now"}', null],
  ['{"event_time":""}', null],
  ['{"event_time":1688989326}', null],
  ['{"event_time":null}', null],
  ['{"event_time":{"event_time":"2023-07-10T11:42:06Z"}}', null],
  ['{"nested":{"event_time":"2023-07-10T11:42:06Z"}}', null],
  [String.raw`{"event_time":"\ud800"}`, null],
  [String.raw`{"a":"\udc00","event_time":"2023-07-10T11:42:06Z"}`, null],
  [`{"event_time":"${'9'.repeat(16_000)}"}`, null],
]

let client: pg.Client
let drop: () => Promise<void>

/** Rows 1 to n are there before the migration, and as many are inserted after it. */
beforeAll(async () => {
  const database = await testDatabase({ migrated: false })
  await migrate(database.url, knownMigrations().slice(0, BEFORE))
  client = new pg.Client({ connectionString: `${database.url}&options=-c%20TimeZone=Asia/Tokyo` })
  await client.connect()
  drop = async () => {
    await client.end()
    await database.drop()
  }
  for (const [at, [metadata]] of CASES.entries()) {
    await insert(client, 'audit_entry_context', { ...CONTEXT, seq: at + 1, metadata })
  }
  await migrate(database.url)
  for (const [at, [metadata]] of CASES.entries()) {
    await insert(client, 'audit_entry_context', { ...CONTEXT, seq: at + 1 + CASES.length, metadata })
  }
  await client.query("SET TimeZone = 'UTC'")
})

afterAll(() => drop?.())

async function eventTime(seq: number): Promise<unknown> {
  const { rows } = await client.query(
    'SELECT event_time::text AS at FROM audit_entry_context WHERE domain_id = $1 AND seq = $2',
    [DOMAIN, seq],
  )
  return rows[0]?.at
}

describe('event_time', () => {
  it.each(CASES.map(([metadata, expected], at) => [metadata?.slice(0, 80) ?? 'no metadata', expected, at]))(
    'of %s is %s, for a row from before the migration and for a new one',
    async (_, expected, at) => {
      expect(await eventTime(Number(at) + 1)).toBe(expected)
      expect(await eventTime(Number(at) + 1 + CASES.length)).toBe(expected)
    },
  )

  it('is what this program reads from the same text', async () => {
    const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'))
    const zone = fc.oneof(
      fc.constant('Z'),
      fc.tuple(fc.constantFrom('+', '-'), two(25), two(61)).map(([s, h, m]) => `${s}${h}:${m}`),
    )
    const text = fc
      .tuple(
        fc.integer({ min: 0, max: 9999 }),
        two(13),
        two(32),
        two(25),
        two(61),
        two(61),
        fc.nat(9_999_999),
        zone,
      )
      .map(
        ([y, mo, d, h, mi, s, f, z]) =>
          `${String(y).padStart(4, '0')}-${mo}-${d}T${h}:${mi}:${s}${f > 999_999 ? '' : `.${f}`}${z}`,
      )
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 50, maxLength: 50 }), async (texts) => {
        const { rows } = await client.query(
          `SELECT (extract(epoch FROM audit_event_time(json_build_object('event_time', t))) * 1000000)::bigint::text AS at
           FROM unnest($1::text[]) WITH ORDINALITY AS u(t, n) ORDER BY n`,
          [texts],
        )
        expect(rows.map(({ at }) => at)).toEqual(texts.map(parsed))
      }),
      { numRuns: 40 },
    )
  })

  it('cannot be written, and a context stays write-once after the migration', async () => {
    const change = (set: string) => client.query(`UPDATE audit_entry_context SET ${set} WHERE seq = 3`)
    await expect(change('event_time = now()')).rejects.toMatchObject({ code: '428C9' })
    await expect(change("metadata = '{}'")).rejects.toMatchObject({ code: 'WO001' })
    const row = { ...CONTEXT, seq: 1_000, event_time: '2023-07-10T11:42:06Z' }
    await expect(insert(client, 'audit_entry_context', row)).rejects.toMatchObject({ code: '428C9' })
  })
})

function parsed(text: string): string | null {
  try {
    return String(parseTimestamp(text))
  } catch (error) {
    if (error instanceof FormatError) return null
    throw error
  }
}
