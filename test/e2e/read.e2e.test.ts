import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import type { AuditEntry, AuditEntryList, AuditEntryProof } from '../../src/json/entry.js'
import { type CliResult, jsonLines, runCli } from '../support/cli.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'
const EMPTY = '018f0000-0000-7000-8000-000000000002'
const NOWHERE = '018f0000-0000-7000-8000-00000000000f'
/** Colours, a bidi override and a newline, as a hostile client may put them into a row. */
const HOSTILE = 'a\u001b[31m\u202eb\nc'

let database: TestDatabase
let dir: string
let env: Record<string, string>

beforeAll(async () => {
  database = await testDatabase()
  dir = mkdtempSync(join(tmpdir(), 'audit-read-'))
  const key = join(dir, 'pepper.key')
  writeFileSync(key, Buffer.alloc(32, 5), { mode: 0o600 })
  env = {
    AUDIT_DATABASE_URL: database.url,
    AUDIT_PEPPER: `file://${key}`,
    AUDIT_DOMAIN: DOMAIN,
    AUDIT_ACTOR: 'operator:eve',
  }
  for (const domain of [DOMAIN, EMPTY]) await ok('domain', 'create', '--domain', domain, '--name', HOSTILE)
  const lines = Array.from({ length: 11 }, (_, i) => ({
    subject_id: i % 2 === 0 ? 'alice' : 'bob',
    relation: i === 4 ? HOSTILE : 'secret.read',
    object: `secret:${i + 2}`,
    relation_path: ['group:x', HOSTILE],
    zedtoken: 'zed',
    caveat_context: ['ip.cidr'],
    correlation_id: i < 3 ? 'c-1' : '',
    context: { ip: '192.0.2.1', user_agent: HOSTILE },
  }))
  const input = lines.map((line) => JSON.stringify(line)).join('\n')
  const appended = await audit(['append', '--stdin'], { input })
  expect(appended).toMatchObject({ code: 0 })
}, 300_000)

afterAll(async () => {
  await database.drop()
  rmSync(dir, { recursive: true, force: true })
})

function audit(args: readonly string[], options: { input?: string; env?: Record<string, string> } = {}) {
  return runCli(args, { input: options.input ?? '', env: { ...env, ...options.env } })
}

async function ok(...args: string[]): Promise<CliResult> {
  const result = await audit(args)
  expect(result).toMatchObject({ code: 0, signal: null })
  return result
}

async function one<T>(...args: string[]): Promise<T> {
  const [document, ...rest] = jsonLines((await ok(...args, '--json')).stdout)
  expect(rest).toEqual([])
  return document as T
}

const entriesOf = (result: CliResult) => jsonLines(result.stdout) as AuditEntry[]

/** Expects no control character of a row in the text. */
function expectPlain(result: CliResult): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
  expect(result.stdout + result.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
}

describe('audit list', () => {
  it('pages to the end by its cursors', async () => {
    const seqs: number[] = []
    let cursor: string | undefined
    do {
      const more = cursor === undefined ? [] : [`--cursor=${cursor}`]
      const page = await one<AuditEntryList>('list', '--limit', '5', ...more)
      seqs.push(...page.items.map((item) => item.seq))
      cursor = page.next_cursor
    } while (cursor !== undefined)
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  })

  it('prints one line per row with --all, and the same rows', async () => {
    const entries = entriesOf(await ok('list', '--all', '--json'))
    const page = await one<AuditEntryList>('list')
    expect(entries).toEqual(page.items)
    expect(page).not.toHaveProperty('next_cursor')
  })

  it('finds with --subject-id the rows of a person, and no others', async () => {
    const alice = entriesOf(await ok('list', '--all', '--json', '--subject-id', 'alice'))
    expect(alice.map((entry) => entry.seq)).toEqual([2, 4, 6, 8, 10, 12])
    const [first] = alice
    const bySubject = await ok('list', '--all', '--json', '--subject', first?.subject.pseudonym ?? '')
    expect(entriesOf(bySubject)).toEqual(alice)
    expect(entriesOf(await ok('list', '--all', '--json', '--subject-id', 'carol'))).toEqual([])
  })

  it('combines filters with AND', async () => {
    const args = ['--subject-id', 'alice', '--object-type', 'secret', '--correlation-id', 'c-1']
    const entries = entriesOf(await ok('list', '--all', '--json', ...args))
    expect(entries.map((entry) => entry.object.id)).toEqual(['2', '4'])
  })

  it('prints a table with escaped text, and the cursor on stderr', async () => {
    const result = await ok('list', '--limit', '6')
    expectPlain(result)
    expect(result.stdout.split('\n').filter((line) => line !== '')).toHaveLength(7)
    expect(result.stdout).toContain('a\\x1b[31m\\u{202e}b\\nc')
    expect(result.stderr).toMatch(/^more rows follow: --cursor=[\w-]{55}\n$/)
    expectPlain(await ok('list', '--all'))
  })

  it('lists the platform chain', async () => {
    const { items } = await one<AuditEntryList>('list', '--platform')
    expect(items.map((item) => item.domain_id)).toEqual(items.map(() => PLATFORM_ANCHOR))
    expect(items.map((item) => item.object.type)).toEqual(['platform', 'domain', 'domain'])
  })

  it('prints a page without a cursor, and --all, without a pepper', async () => {
    const keyless = { env: { AUDIT_PEPPER: '' } }
    expect(await audit(['list', '--json'], keyless)).toMatchObject({ code: 0 })
    expect(await audit(['list', '--all', '--json'], keyless)).toMatchObject({ code: 0 })
    const refused = await audit(['list', '--limit', '2', '--json'], keyless)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(JSON.parse(refused.stderr)).toMatchObject({
      error: { code: 'pepper_not_configured', hint: expect.stringContaining('--all') },
    })
  })

  it('refuses --subject-id with another pepper instead of finding nothing', async () => {
    const other = join(dir, 'other.key')
    writeFileSync(other, Buffer.alloc(32, 6), { mode: 0o600 })
    const result = await audit(['list', '--subject-id', 'alice', '--json'], {
      env: { AUDIT_PEPPER: `file://${other}` },
    })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(JSON.parse(result.stderr)).toMatchObject({ error: { code: 'pepper_mismatch' } })
  })
})

describe('audit get', () => {
  it('prints the proof as JSON', async () => {
    const { entry, proof } = await one<AuditEntryProof>('get', '--seq', '6')
    expect(entry).toMatchObject({ seq: 6, relation: HOSTILE, request_context: { ip: '192.0.2.1' } })
    expect(Buffer.from(proof.canonical_bytes, 'base64').subarray(0, 4).toString()).toBe('PXA1')
  })

  it('prints in text also what only the canonical bytes contain', async () => {
    const result = await ok('get', '--seq', '6')
    expectPlain(result)
    expect(result.stdout).toMatch(/^relation_path 2 +a\\x1b/m)
    expect(result.stdout).toMatch(/^zedtoken +zed$/m)
    expect(result.stdout).toMatch(/^proof +recomputes/m)
  })
})

describe('exit codes', () => {
  it.each<[number, string, string[]]>([
    [2, 'usage', ['list', '--domain', DOMAIN, '--platform']],
    [2, 'invalid_domain_id', ['list', '--domain', 'x']],
    [2, 'invalid_limit', ['list', '--limit', '201']],
    [2, 'usage', ['list', '--limit', '5', '--all']],
    [2, 'invalid_cursor', ['list', '--cursor', 'x']],
    [2, 'invalid_subject', ['list', '--subject', 'alice']],
    [2, 'invalid_range', ['list', '--from', '2026-01-02T00:00:00Z', '--to', '2026-01-01T00:00:00Z']],
    [2, 'usage', ['get']],
    [2, 'invalid_seq', ['get', '--seq', '0']],
    [2, 'usage', ['quarantine', 'show', 'x']],
    [2, 'usage', ['quarantine', 'acknowledge', '1']],
    [2, 'usage', ['quarantine', 'list', '--platform', '--all']],
    [4, 'domain_not_found', ['list', '--domain', NOWHERE]],
    [4, 'domain_not_found', ['list', '--all', '--domain', NOWHERE]],
    [4, 'domain_not_found', ['get', '--seq', '1', '--domain', NOWHERE]],
    [4, 'domain_not_found', ['quarantine', 'list', '--domain', NOWHERE]],
    [4, 'entry_not_found', ['get', '--seq', '13']],
    [4, 'quarantine_not_found', ['quarantine', 'show', '999']],
    [4, 'quarantine_not_found', ['quarantine', 'acknowledge', '999', '--reason', 'x']],
    [3, 'database_unavailable', ['list', '--database-url', 'postgresql:///audit?host=/nonexistent']],
  ])('%i %s: audit %j', async (code, error, args) => {
    const result = await audit([...args, '--json'])
    expect(result).toMatchObject({ code, stdout: '' })
    expect(JSON.parse(result.stderr)).toMatchObject({ error: { code: error } })
    expect(await audit(args)).toMatchObject({ code, stdout: '' })
  })
})

describe('audit domain list', () => {
  it('prints one line per Domain, with its number of rows', async () => {
    const domains = jsonLines((await ok('domain', 'list', '--json')).stdout)
    expect(domains).toMatchObject([
      { domain_id: DOMAIN, name: HOSTILE, rows: 12 },
      { domain_id: EMPTY, name: HOSTILE, rows: 1 },
    ])
    expectPlain(await ok('domain', 'list'))
  })
})

describe('audit quarantine', () => {
  beforeAll(async () => {
    await asSuperuser(
      database.url,
      `UPDATE audit_log_entry SET relation = 'secret.write' WHERE domain_id = '${EMPTY}' AND seq = 1`,
    )
    expect(await audit(['verify', '--domain', EMPTY])).toMatchObject({ code: 1 })
    expect(await audit(['verify', '--domain', EMPTY])).toMatchObject({ code: 1 })
  })

  it('lists, shows and acknowledges what verify found, once', async () => {
    const listed = jsonLines((await ok('quarantine', 'list', '--all', '--json')).stdout)
    expect(listed).toMatchObject([
      { domain_id: EMPTY, code: 'entry_hash_mismatch', seq_from: 1, seq_to: 1, divergent_seq: 1 },
    ])
    const [{ id }] = listed as [{ id: number }]
    expect(await one('quarantine', 'show', String(id))).toEqual(listed[0])
    const text = await ok('quarantine', 'show', String(id))
    expect(text.stdout).toMatch(/^expected_hash +[0-9a-f]{64}$/m)

    const acknowledged = await one('quarantine', 'acknowledge', String(id), '--reason', 'restored')
    expect(acknowledged).toMatchObject({ id, acknowledged_at: expect.any(String) })
    const again = await audit(['quarantine', 'acknowledge', String(id), '--reason', 'x', '--json'])
    expect(again).toMatchObject({ code: 2, stdout: '' })
    expect(JSON.parse(again.stderr)).toMatchObject({ error: { code: 'already_acknowledged' } })
    expect((await ok('quarantine', 'list', '--all', '--unacknowledged', '--json')).stdout).toBe('')
    expect(jsonLines((await ok('quarantine', 'list', '--all', '--json')).stdout)).toHaveLength(1)

    const args = ['--relation', 'audit.quarantine-acknowledge', '--subject-id', 'operator:eve']
    const { items } = await one<AuditEntryList>('list', '--domain', EMPTY, ...args)
    expect(items.map((item) => item.object)).toEqual([{ type: 'quarantine', id: String(id) }])
  })
})

describe('a row that was edited', () => {
  it('has a proof that does not recompute, as get says', async () => {
    await asSuperuser(
      database.url,
      `UPDATE audit_log_entry SET relation = 'secret.none' WHERE domain_id = '${DOMAIN}' AND seq = 7`,
    )
    const result = await audit(['get', '--seq', '7'])
    expect(result.code).toBe(1)
    expect(result.stdout).toMatch(/^proof +DOES NOT RECOMPUTE/m)
    expect(result.stderr).toContain('run: audit verify')
  })
})
