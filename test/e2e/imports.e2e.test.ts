import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ensureBuilt, jsonLines, runCli } from '../support/cli.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { keyFile } from '../support/refusal.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'
const dir = mkdtempSync(join(tmpdir(), 'audit-imports-'))
const env: Record<string, string> = {}
let database: TestDatabase
let rejects = ''
let run = 0

beforeAll(async () => {
  await ensureBuilt()
  database = await testDatabase()
  const pepper = `file://${keyFile(dir)}`
  Object.assign(env, { AUDIT_DATABASE_URL: database.url, AUDIT_PEPPER: pepper, AUDIT_DOMAIN: DOMAIN })
  expect((await runCli(['domain', 'create', '--domain', DOMAIN], { env })).code).toBe(0)
})
afterAll(async () => {
  rmSync(dir, { recursive: true })
  await database.drop()
})
beforeEach(() => {
  run += 1
  rejects = join(dir, `rejects-${run}`)
})

const TIME = '2026-01-14T10:15:32Z'
const event = (eventName: string, fields: object = {}) => ({
  eventTime: TIME,
  eventSource: 's3.amazonaws.com',
  eventName: `${eventName}${run}`,
  userIdentity: { principalId: 'AIDAX' },
  ...fields,
})
function file(name: string, content: string | Uint8Array): string {
  const path = join(dir, `${run}-${name}`)
  writeFileSync(path, content)
  return path
}
const trail = (name: string, ...events: object[]) => file(name, JSON.stringify({ Records: events }))
const importFiles = (...args: string[]) => runCli(['append', '--format', 'cloudtrail', ...args], { env })

async function relations(): Promise<string[]> {
  const { stdout } = await runCli(['list', '--all', '--json'], { env })
  const rows = jsonLines(stdout) as { relation: string }[]
  return rows
    .map(({ relation }) => relation)
    .filter((name) => name.endsWith(String(run)) && name.startsWith('s3:'))
}

describe('append --format cloudtrail --rejects', () => {
  it.each<[string, () => string, number, string]>([
    ['a digest', () => file('bad', '{"awsAccountId":"1","logFiles":[]}'), 2, 'expected {"Records":[…]}'],
    ['other JSON', () => file('bad', '[1]'), 2, 'expected {"Records":[…]}'],
    ['an empty file', () => file('bad', ''), 2, 'empty'],
    ['a cut gzip', () => file('bad', gzipSync('{"Records":[]}').subarray(0, 20)), 2, 'a truncated gzip'],
    ['two members Records', () => file('bad', '{"Records":[],"Records":[]}'), 2, 'a key occurs twice'],
    ['a missing file', () => join(dir, 'missing'), 3, 'cannot be read (ENOENT)'],
    ['a directory', () => dir, 3, 'cannot be read (EISDIR)'],
  ])('goes on after %s, names it and its number', async (_what, bad, code, says) => {
    const [first, path, last] = [trail('1', event('A')), bad(), trail('3', event('C'))]
    const result = await importFiles('--rejects', rejects, first, path, last)
    expect(result.code).toBe(code)
    expect(result.stderr).toContain(`set aside whole: 1 file (${path}), 2 rows appended`)
    expect(result.stderr).toContain(says)
    expect(result.stderr).toContain(rejects)
    expect(await relations()).toEqual([`s3:A${run}`, `s3:C${run}`])
    expect(readFileSync(rejects, 'utf8')).toMatch(/^\{"set_aside":/)
  })

  it('writes records that can be appended again once they are corrected', async () => {
    const bad = event('B', { userIdentity: 7 })
    const result = await importFiles('--rejects', rejects, trail('1', event('A'), bad, event('C')))
    expect(result.code).toBe(2)
    expect(result.stderr).toContain('1 of 3 entries were refused, 2 rows appended')
    expect(readFileSync(rejects, 'utf8')).toBe(`${JSON.stringify(bad)}\n`)
    expect((await importFiles(rejects)).code).toBe(2)
    writeFileSync(rejects, readFileSync(rejects, 'utf8').replace(':7', ':{"principalId":"AIDAY"}'))
    expect((await importFiles(rejects)).code).toBe(0)
    expect(await relations()).toEqual([`s3:A${run}`, `s3:C${run}`, `s3:B${run}`])
  })

  it('counts records and files apart, and the worst of them decides the exit code', async () => {
    const bad = trail('1', event('A'), event('B', { userIdentity: 7 }))
    const result = await importFiles(
      '--json',
      '--rejects',
      rejects,
      file('0', '{}'),
      bad,
      join(dir, 'missing'),
    )
    expect(result.code).toBe(3)
    expect(jsonLines(result.stderr)).toMatchObject([
      {
        error: {
          code: 'file_unreadable',
          message: expect.stringMatching(
            /^1 of 2 entries were refused, set aside whole: 2 files \(.*\), 1 rows appended/,
          ),
          hint: expect.stringContaining(rejects),
        },
      },
    ])
  })

  it('says on a later run which files are not in the rejects', async () => {
    const digest = file('2', '{"logFiles":[]}')
    await importFiles('--rejects', rejects, trail('1', event('A')), digest)
    const again = await importFiles(rejects)
    expect(again.code).toBe(0)
    expect(again.stderr).toContain(`${digest} (${rejects}, line 1)`)
    expect(await relations()).toEqual([`s3:A${run}`])
  })

  it('ends at the first such file without --rejects', async () => {
    const result = await importFiles(
      trail('1', event('A')),
      file('2', '{"logFiles":[]}'),
      trail('3', event('C')),
    )
    expect(result.code).toBe(2)
    expect(await relations()).toEqual([`s3:A${run}`])
  })
})

describe('append --format cloudtrail', () => {
  it('names the error codes that it does not know', async () => {
    const codes = ['Odd', 'AccessDenied', 'NoSuchKey', 'Odd', 'Even']
    const result = await importFiles(
      trail('1', ...codes.map((errorCode, i) => event(`E${i}x`, { errorCode }))),
    )
    expect(result.code).toBe(0)
    const [codesLine, tally] = result.stderr.split('\n')
    expect(codesLine).toBe(
      '3 events have outcomes of unknown meaning, appended as out_of_scope: Odd (2), Even (1)',
    )
    expect(tally).toMatch(/^appended 5 rows to 1 chain in \d+\.\d\d s$/)
  })

  it('appends files in the order given, each as often as given', async () => {
    const [a, b] = [trail('a', event('A')), trail('b', event('B'))]
    expect((await importFiles(b, a, b)).code).toBe(0)
    expect(await relations()).toEqual([`s3:B${run}`, `s3:A${run}`, `s3:B${run}`])
  })

  it('appends an event once with --idempotent, and twice where the account differs', async () => {
    const now = new Date().toISOString()
    const one = (recipientAccountId: string) =>
      event('A', { eventTime: now, eventID: `id-${run}`, recipientAccountId })
    const path = trail('a', one('111122223333'), one('444455556666'))
    for (let i = 0; i < 2; i += 1) {
      const result = await importFiles('--idempotent', '--quiet', path, path)
      expect({ code: result.code, stderr: result.stderr }).toEqual({ code: 0, stderr: '' })
    }
    expect(await relations()).toHaveLength(2)
  })

  it('says with --idempotent what it cannot recognise', async () => {
    const path = trail('a', event('A', { eventID: 'x' }), event('B', { eventID: undefined }))
    const result = await importFiles('--idempotent', '--idempotency-days', '3', path)
    expect(result.code).toBe(0)
    expect(result.stderr).toContain('events without an eventID, which --idempotent cannot recognise: 1')
    expect(result.stderr).toContain('older than the 3 days for which a key is known (--idempotency-days)')
    expect(result.stderr).toContain(`${path} (oldest event ${TIME})`)
  })
})

it('keeps the time and the id of an event where get prints them', async () => {
  const path = trail('timed', event('Timed', { eventID: '8ca35bec-bc01-4a58-beca-6f8a16907e98' }))
  const appended = await importFiles(path, '--json')
  const [row] = jsonLines(appended.stdout) as { seq: number }[]
  const { stdout } = await runCli(['get', '--seq', String(row?.seq)], { env })
  const [, offChain = ''] = stdout.split('what follows is off the chain')
  expect(offChain).toMatch(/^metadata +event_time: 2026-01-14T10:15:32Z$/m)
  expect(offChain).toMatch(/^metadata +event_id: 8ca35bec-bc01-4a58-beca-6f8a16907e98$/m)
})

it.each([
  ['a control sequence', { note: '\u001b[2J' }, String.raw`metadata +note: \\x1b\[2J$`],
  ['a name that breaks the line', { 'a\nseq  1': 1 }, String.raw`metadata +a\\nseq  1: 1$`],
  ['nested values', { a: { b: [1] } }, String.raw`metadata +\{"a":\{"b":\[1\]\}\}$`],
])('prints metadata with %s as one safe line', async (_name, metadata, line) => {
  const words = ['--subject', 'alice', '--relation', 'a.b', '--object', 'c:1', '--json']
  const appended = await runCli(['append', ...words, '--metadata', JSON.stringify(metadata)], { env })
  const [row] = jsonLines(appended.stdout) as { seq: number }[]
  const { stdout } = await runCli(['get', '--seq', String(row?.seq)], { env })
  expect(stdout).toMatch(new RegExp(`^${line}`, 'm'))
})
