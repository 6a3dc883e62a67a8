import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatTimestamp } from '../../src/chain/timestamp.js'
import type { AuditEntry } from '../../src/json/entry.js'
import { insertDomain, type RowOptions, T0 } from '../support/chain-rows.js'
import { jsonLines, runCli } from '../support/cli.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'
const OTHER = '018f0000-0000-7000-8000-000000000002'
const HOSTILE = '\u001b[31m\u202e=cmd()\n'
const DAY = 86_400_000_000n
/** 2026-01-01T00:00:00Z. */
const NEW_YEAR = T0 - 1n

/** Two rows on each of four days: at the first and at the last microsecond of the day. */
const ROWS: readonly RowOptions[] = Array.from({ length: 8 }, (_, i) => ({
  recordedAt: NEW_YEAR + BigInt(i >> 1) * DAY + (i % 2 === 0 ? 0n : DAY - 1n),
}))

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
  await insertDomain(database.url, DOMAIN, ROWS)
  await insertDomain(database.url, OTHER, [{}, { relation: HOSTILE, reason: 'out_of_scope' }])
})

afterAll(() => database.drop())

const audit = (...args: readonly string[]) =>
  runCli(args, { env: { AUDIT_DATABASE_URL: database.url, AUDIT_DOMAIN: DOMAIN, TZ: 'Pacific/Kiritimati' } })

const seqsOf = (stdout: string) => (jsonLines(stdout) as AuditEntry[]).map(({ seq }) => seq)

const UNVERIFIED =
  'note: the order of the times is unverified, so a row is missing if somebody edited a time; run again with --verify\n'

describe('audit list by time', () => {
  it.each<[string, readonly string[], readonly number[], string]>([
    [
      'one day',
      ['--from', '2026-01-02', '--to', '2026-01-02'],
      [3, 4],
      'note: times are in UTC: from 2026-01-02T00:00:00.000000Z to 2026-01-02T23:59:59.999999Z\n',
    ],
    [
      'up to a minute of a day',
      ['--to', '2026-01-02 00:00'],
      [1, 2, 3],
      'note: times are in UTC: to 2026-01-02T00:00:00.000000Z\n',
    ],
    ['an instant that names its zone', ['--from', '2026-01-04T02:00:00+02:00'], [7, 8], ''],
  ])('selects %s, in whichever zone the machine is', async (_name, flags, seqs, stderr) => {
    const result = await audit('list', '--all', '--json', ...flags)
    expect(result).toMatchObject({ code: 0, stderr: `${stderr}${UNVERIFIED}` })
    expect(seqsOf(result.stdout)).toEqual(seqs)
  })

  it('selects the time since a duration, and says since when', async () => {
    const before = BigInt(Date.now()) * 1000n - 1000n * DAY
    const result = await audit('list', '--all', '--json', '--since', '1000d')
    const [, since = ''] = /^note: times are in UTC: from (\S+)\n/.exec(result.stderr) ?? []
    expect(since >= formatTimestamp(before)).toBe(true)
    const rows = ROWS.filter(({ recordedAt = 0n }) => formatTimestamp(recordedAt) >= since)
    expect(seqsOf(result.stdout)).toEqual(ROWS.flatMap((row, i) => (rows.includes(row) ? [i + 1] : [])))
  })
})

describe('audit stats', () => {
  const whole = { rows: 8, denied: 0 }

  it('counts the rows of one chain by reason, relation, object type, subject and day', async () => {
    const { code, stdout } = await audit('stats', '--json')
    expect(code).toBe(0)
    expect(jsonLines(stdout)).toEqual([
      {
        ...whole,
        first_recorded_at: '2026-01-01T00:00:00.000000Z',
        last_recorded_at: '2026-01-04T23:59:59.999999Z',
        chains: [{ domain_id: DOMAIN, ...whole, first_seq: 1, last_seq: 8 }],
        by: {
          reason: { values: 1, groups: [{ value: 'granted', ...whole }] },
          relation: { values: 1, groups: [{ value: 'project.read', ...whole }] },
          object_type: { values: 1, groups: [{ value: 'project', ...whole }] },
          subject: { values: 1, groups: [{ value: 'ab'.repeat(32), ...whole }] },
          day: {
            values: 4,
            groups: [1, 2, 3, 4].map((day) => ({ value: `2026-01-0${day}`, rows: 2, denied: 0 })),
          },
        },
      },
    ])
  })

  it('adds the rows of several chains, and recomputes them with --verify', async () => {
    const chains = ['--domain', OTHER, '--domain', DOMAIN, '--domain', OTHER]
    const { code, stdout } = await audit(
      'stats',
      '--json',
      '--verify',
      '--by',
      'relation',
      '--top',
      '1',
      ...chains,
    )
    expect(code).toBe(0)
    expect(jsonLines(stdout)).toMatchObject([
      {
        rows: 10,
        denied: 1,
        checks: { ok: 10, damaged: 0, unlinked: 0 },
        chains: [
          { domain_id: OTHER, rows: 2 },
          { domain_id: DOMAIN, rows: 8 },
        ],
        by: {
          relation: {
            values: 2,
            groups: [{ value: 'project.read', rows: 9, denied: 0 }],
            other: { rows: 1, denied: 1 },
          },
        },
      },
    ])
  })

  it('takes --all-chains in place of AUDIT_DOMAIN, and escapes hostile text', async () => {
    const { code, stdout, stderr } = await audit(
      'stats',
      '--all-chains',
      '--denied',
      '--by',
      'relation',
      '--by',
      'hour',
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('\\x1b[31m\\u{202e}=cmd()\\n  1     1')
    expect(stdout).toContain('2026-01-01T00:00:00Z  1     1')
  })

  it('counts nothing where the filter selects no row', async () => {
    const { code, stdout } = await audit('stats', '--relation', 'none', '--json', '--by', 'day')
    expect(code).toBe(0)
    expect(jsonLines(stdout)).toEqual([
      {
        rows: 0,
        denied: 0,
        chains: [{ domain_id: DOMAIN, rows: 0, denied: 0 }],
        by: { day: { values: 0, groups: [] } },
      },
    ])
  })
})
