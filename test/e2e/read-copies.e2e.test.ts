import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CheckedAuditEntry, CheckedEntryList, CheckedEntryProof } from '../../src/json/checked-entry.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { jsonLines, runCli } from '../support/cli.js'
import { ALICE, CHAIN, ReadCopies } from '../support/read-copies.js'

let copies: ReadCopies
let dir: string
let bundle: string

beforeAll(async () => {
  copies = await ReadCopies.make()
  dir = mkdtempSync(join(tmpdir(), 'audit-copies-'))
  writeFileSync(join(dir, 'cursor.key'), Buffer.alloc(32, 5), { mode: 0o600 })
  bundle = await copies.bundle()
}, 120_000)

afterAll(async () => {
  await copies.drop()
  rmSync(dir, { recursive: true, force: true })
})

/** Runs without a database: AUDIT_DATABASE_URL leads nowhere, and the home does not exist. */
async function offline(...args: string[]) {
  const home = join(dir, 'no-home')
  const env = { AUDIT_DATABASE_URL: 'postgresql://127.0.0.1:1/none', AUDIT_HOME: home, ...copies.site.env }
  const result = await runCli(args, { env, cwd: dir })
  expect(existsSync(home)).toBe(false)
  return result
}

const inMirror = () => ['--domain', CHAIN, '--source', 'mirror', '--mirror', copies.directoryUrl]
const inBucket = () => ['--domain', CHAIN, '--source', 'mirror', '--mirror', copies.bucketUrl]

function stored(...args: string[]) {
  const env = { AUDIT_DATABASE_URL: copies.database.url, AUDIT_CURSOR_KEY_FILE: join(dir, 'cursor.key') }
  return runCli([...args, '--domain', CHAIN], { env })
}

function entriesOf(stdout: string): CheckedAuditEntry[] {
  return (jsonLines(stdout) as (CheckedEntryList | CheckedAuditEntry)[]).flatMap((document) =>
    'items' in document ? document.items : [document],
  )
}

describe('list', () => {
  it.each([
    [['--all']],
    [['--around', '41']],
    [['--around', '61', '--context-rows', '2']],
    [['--from-seq', '140', '--to-seq', '900']],
    [['--all', '--denied', '--from', '2026-01-01T00:00:30Z', '--to', '2026-01-01T00:01:30Z']],
    [['--all', '--subject', ALICE, '--object-type', 'secret']],
    [['--all', '--reason', 'granted', '--reason', 'caveat_violation', '--relation', 'project.read']],
    [['--correlation-id', 'c-42', '--verify']],
  ])('prints the same from every copy: %j', async (words) => {
    const expected = await stored('list', ...words, '--verify', '--json')
    const found = entriesOf(expected.stdout).some(({ check }) => check !== 'ok')
    expect(expected.code).toBe(found ? 1 : 0)
    for (const copy of [inMirror(), inBucket(), [bundle]]) {
      const { code, stdout } = await offline('list', ...copy, ...words, '--json')
      expect(code).toBe(words.includes('--verify') && found ? 1 : 0)
      expect(entriesOf(stdout)).toEqual(entriesOf(expected.stdout))
    }
  })

  it('continues a page of a mirror in a bundle, and not in PostgreSQL, nor the other way round', async () => {
    const first = await offline('list', ...inMirror(), '--limit', '3', '--json')
    const [page] = jsonLines(first.stdout) as CheckedEntryList[]
    const cursor = page?.next_cursor ?? ''
    const next = await offline('list', bundle, '--limit', '2', '--json', `--cursor=${cursor}`)
    expect(entriesOf(next.stdout).map(({ seq }) => seq)).toEqual([4, 5])
    const refused = await stored('list', `--cursor=${cursor}`)
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('not a cursor of this chain') })
    const [own] = jsonLines((await stored('list', '--limit', '3', '--json')).stdout) as CheckedEntryList[]
    expect(await offline('list', bundle, `--cursor=${own?.next_cursor}`)).toMatchObject({ code: 2 })
  })

  it.each([
    ['a seq for a FILE', ['list', '5'], 2],
    ['a FILE with another source', ['list', 'x.tar', '--source', 'mirror'], 2],
    ['a bundle without a FILE', ['list', '--source', 'bundle'], 2],
    ['around with a bound', ['list', 'x.tar', '--around', '5', '--to-seq', '9'], 2],
    ['context rows without around', ['list', 'x.tar', '--context-rows', '9'], 2],
    ['too many context rows', ['list', 'x.tar', '--around', '5', '--context-rows', '100'], 2],
    ['the context of rows', ['list', 'x.tar', '--context'], 2],
    ['the event time', ['list', 'x.tar', '--event-from', '2026-01-01'], 2],
    ['two seqs', ['get', '5', '6'], 2],
    ['no seq', ['get', 'x.tar'], 2],
    ['a seq twice', ['get', '5', '--seq', '5', 'x.tar'], 2],
    ['a missing file', ['get', '5', './7'], 3],
  ])('refuses %s', async (_name, args, code) => {
    expect(await offline(...args)).toMatchObject({ code, stdout: '' })
  })

  it('refuses a bundle of another chain than --domain names', async () => {
    const other = '018f0000-0000-7000-8000-00000000000f'
    expect(await offline('list', bundle, '--domain', other)).toMatchObject({ code: 2, stdout: '' })
    expect(await offline('list', bundle, '--domain', CHAIN, '--limit', '1')).toMatchObject({ code: 0 })
  })
})

describe('get', () => {
  it.each([1, 20, 41, 63])('prints row %i with its proof from every copy', async (seq) => {
    const expected = await stored('get', String(seq), '--json')
    const { context: _context, ...entry } = (JSON.parse(expected.stdout) as CheckedEntryProof).entry
    for (const copy of [inMirror(), inBucket(), [bundle]]) {
      const { code, stdout } = await offline('get', ...copy, String(seq), '--json')
      expect(code).toBe(seq === 20 ? 1 : 0)
      expect(JSON.parse(stdout)).toEqual({ ...JSON.parse(expected.stdout), entry })
    }
  })

  it('ends with 4 for a row and for a chain that a copy does not have', async () => {
    expect(await offline('get', '61', bundle)).toMatchObject({ code: 4, stdout: '' })
    expect(await offline('get', '61', ...inMirror())).toMatchObject({ code: 4, stdout: '' })
    const other = inMirror().map((word) => word.replace(CHAIN, '018f0000-0000-7000-8000-00000000000f'))
    expect(await offline('get', '1', ...other)).toMatchObject({ code: 4, stdout: '' })
  })
})

describe('an object that cannot be decoded', () => {
  beforeAll(() => {
    writeFileSync(join(fileURLToPath(copies.directoryUrl), mirrorCodec.key(CHAIN, 100)), '\u001b[31mgarbage')
  })

  it('is a damaged row that no reason selects', async () => {
    const around = await offline('list', ...inMirror(), '--around', '100', '--context-rows', '1', '--json')
    expect(around.code).toBe(0)
    const checks = entriesOf(around.stdout).map(({ seq, check, reason }) => [seq, check, reason])
    expect(checks[1]).toEqual([100, 'damaged', 'unknown'])
    expect(checks.map(([, check]) => check)).toEqual(['ok', 'damaged', 'ok'])
    const unknown = await offline('list', ...inMirror(), '--reason', 'unknown', '--json')
    expect({ code: unknown.code, rows: entriesOf(unknown.stdout) }).toEqual({ code: 1, rows: [] })
    expect((await offline('get', '100', ...inMirror())).code).toBe(1)
  })

  it('is named, with the exit code 1, where a filter leaves it out', async () => {
    const { code, stderr } = await offline(
      'list',
      ...inMirror(),
      '--relation',
      'project.read',
      '--all',
      '--json',
    )
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('left out: row 100 has no canonical bytes'),
    })
  })
})
