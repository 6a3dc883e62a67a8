import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { CliDatabase } from '../support/append-process.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { jsonLines, runCli } from '../support/cli.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const YEAR = 365 * 86_400
const dir = mkdtempSync(join(tmpdir(), 'clock-ahead-'))
const mirror = pathToFileURL(join(dir, 'mirror')).href
const now = () => new Date().toISOString()
let database: TestDatabase
let cli: CliDatabase
/** A chain whose row 2 is a year ahead, as a clock that once ran ahead leaves it, and one that is not ahead. */
let ahead: string
let honest: string

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  ahead = await cli.create()
  honest = await cli.create()
  const [first] = await rowsOf(
    database.url,
    `SELECT encode(entry_hash, 'hex') AS hash FROM audit_log_entry WHERE domain_id = $1`,
    [ahead],
  )
  const recordedAt = BigInt(Date.now()) * 1_000n + BigInt(YEAR) * 1_000_000n
  await insertRows(database.url, chainRows(ahead, [{ recordedAt }], 2, String(first?.hash)))
})

afterAll(async () => {
  cli.remove()
  await database.drop()
  rmSync(dir, { recursive: true, force: true })
})

const entry = (object: string) => JSON.stringify({ subject_id: 'alice', relation: 'order.read', object })
const said = (stderr: string) => stderr.split('\n').filter((one) => /ahead of the clock/.test(one))

describe('a chain that is ahead of the clock', () => {
  it('takes rows, and append warns once, however many rows it takes', async () => {
    const input = [entry('o:1'), entry('o:2')].join('\n')
    const appended = await cli.runWith(input, 'append', '--stdin', '--domain', ahead, '--json')
    expect([appended.code, jsonLines(appended.stdout)]).toMatchObject([0, [{ seq: 3 }, { seq: 4 }]])
    expect(said(appended.stderr)).toEqual([
      expect.stringMatching(/^warning: chain .* audit verify --domain /),
    ])
    const other = await cli.runWith(entry('o:1'), 'append', '--stdin', '--domain', honest)
    expect([other.code, said(other.stderr)]).toEqual([0, []])
  })

  it('is intact by verify, which says from which row it is ahead', async () => {
    const json = await cli.run('verify', '--domain', ahead, '--json')
    expect([json.code, json.stderr]).toEqual([0, ''])
    const [result] = jsonLines(json.stdout) as { clock_ahead: { from_seq: number; seconds: number } }[]
    expect(result).toMatchObject({ ok: true, findings: [], clock_ahead: { from_seq: 2 } })
    expect(Math.abs((result?.clock_ahead.seconds ?? 0) - YEAR)).toBeLessThan(600)
    const text = await cli.run('verify', '--domain', ahead)
    expect([text.code, text.stdout]).toEqual([0, expect.stringContaining('from row 2 on the chain is ahead')])
    const other = await cli.run('verify', '--domain', honest, '--json')
    expect(jsonLines(other.stdout)[0]).not.toHaveProperty('clock_ahead')
  })

  it.each([
    ['list', (...range: string[]) => ['list', '--domain', ahead, ...range, '--json']],
    [
      'export',
      (...range: string[]) => [
        ...['export', '--domain', ahead, ...range, '--json'],
        ...['--output', join(dir, `${range.length}.tar`), '--force'],
      ],
    ],
  ])('has a note on stderr in %s by time, and none otherwise', async (_name, words) => {
    const plain = await cli.run(...words())
    expect([plain.code, said(plain.stderr)]).toEqual([0, []])
    const byTime = await cli.run(...words('--to', now()))
    expect([byTime.code, said(byTime.stderr)]).toEqual([
      0,
      [expect.stringMatching(/^note: 3 rows of this chain .* audit list --domain \S+ --from \S+$/)],
    ])
    expect(byTime.stdout).not.toContain('ahead of the clock')
  })

  it('is shown whole by the command that the note names', async () => {
    const { stderr } = await cli.run('list', '--domain', ahead, '--to', now(), '--json')
    const words = stderr.trim().split('audit ')[1]?.split(' ') ?? []
    const { stdout } = await cli.run(...words, '--json')
    const [{ items }] = jsonLines(stdout) as [{ items: { seq: number }[] }]
    expect(items.map(({ seq }) => seq).sort()).toEqual([2, 3, 4])
  })

  it('is archived, verified in the mirror and restored with its times', async () => {
    const archived = await cli.run('archiver', '--once', '--init-mirror', '--mirror', mirror)
    expect(archived).toMatchObject({ code: 0 })
    for (const source of ['mirror', 'both']) {
      const verified = await cli.run('verify', '--all', '--source', source, '--mirror', mirror, '--json')
      expect([source, verified.code, said(verified.stderr)]).toEqual([source, 0, []])
      const results = jsonLines(verified.stdout) as { domain_id?: string; clock_ahead?: object }[]
      const isAhead = results.filter((one) => one.clock_ahead !== undefined).map((one) => one.domain_id)
      expect(isAhead).toEqual([ahead])
    }
    const fresh = await testDatabase()
    try {
      const env = { ...cli.env, AUDIT_DATABASE_URL: fresh.url, AUDIT_MIRROR_URL: mirror }
      const restored = await runCli(['archive', 'restore', '--all', '--json'], { env })
      expect(restored).toMatchObject({ code: 0 })
      expect(said(restored.stderr)).toEqual([
        expect.stringMatching(
          /^the chain is ahead of the clock by \d+ s \(36\d days\), so the age .* unknown: .* after row 4 are lost/,
        ),
      ])
      type Line = { domain_id?: string; outcome?: string }
      const line = (jsonLines(restored.stdout) as Line[]).find((one) => one.domain_id === ahead)
      expect(Object.keys(line ?? {}).filter((key) => /^newest_|_lag_/.test(key))).toEqual([
        'newest_row_ahead_seconds',
      ])
      const times = `SELECT seq::int, recorded_at::text AS at FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq`
      expect(await rowsOf(fresh.url, times, [ahead])).toEqual(await rowsOf(database.url, times, [ahead]))
      const appended = await runCli(['append', '--stdin', '--domain', ahead, '--json'], {
        env,
        input: entry('o:3'),
      })
      expect([appended.code, said(appended.stderr).length]).toEqual([0, 1])
      const verified = await runCli(['verify', '--all', '--json'], { env })
      expect([verified.code, verified.stderr]).toEqual([0, ''])
    } finally {
      await fresh.drop()
    }
  })
})

describe('a command that appends its own row', () => {
  const of = () => ['--domain', ahead]
  const OWNER = ['--relation', 'owner', '--subject', 'user:a']

  it.each<[string, () => readonly string[], boolean]>([
    ['relation grant', () => ['relation', 'grant', ...of(), ...OWNER], true],
    ['relation revoke', () => ['relation', 'revoke', ...of(), ...OWNER], true],
    ['key create', () => ['key', 'create', ...of(), '--relation', 'auditor', '--expires', '1d'], true],
    ['key policy', () => ['key', 'policy', ...of(), '--erase', 'owner-only'], true],
    ['hold place', () => ['hold', 'place', ...of(), '--reason', 'case 1'], true],
    ['hold release', () => ['hold', 'release', '1', '--reason', 'case 1'], true],
    ['erase-identity', () => ['erase-identity', ...of(), '--subject', 'alice', '--confirm'], true],
    ['hold list', () => ['hold', 'list', ...of()], false],
    ['domain create', () => ['domain', 'create'], false],
    ['relation grant on another chain', () => ['relation', 'grant', '--platform', ...OWNER], false],
  ])('has one warning in %s if that appends to it', async (_name, words, isWarned) => {
    const { code, stderr } = await cli.run(...words())
    expect([code, said(stderr)], stderr).toEqual([
      0,
      isWarned ? [expect.stringMatching(/^warning: chain .* audit verify --domain /)] : [],
    ])
  })

  it('has a warning in domain create when the platform chain is ahead', async () => {
    const [last] = await rowsOf(
      database.url,
      `SELECT seq::int, encode(entry_hash, 'hex') AS hash FROM audit_log_entry
       WHERE domain_id = $1 ORDER BY seq DESC LIMIT 1`,
      [PLATFORM_ANCHOR],
    )
    const recordedAt = BigInt(Date.now()) * 1_000n + BigInt(YEAR) * 1_000_000n
    const rows = chainRows(PLATFORM_ANCHOR, [{ recordedAt }], Number(last?.seq) + 1, String(last?.hash))
    await insertRows(database.url, rows)
    const { code, stderr } = await cli.run('domain', 'create')
    expect([code, said(stderr)], stderr).toEqual([
      0,
      [expect.stringMatching(/^warning: chain .* audit verify --platform$/)],
    ])
  })
})
