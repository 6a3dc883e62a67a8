import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CheckedAuditEntry, CheckedEntryList, CheckedEntryProof } from '../../src/json/checked-entry.js'
import { postgresEntryReader, postgresKeyReader } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { ensureBuilt, jsonLines, runCli } from '../support/cli.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'
import { keyFile } from '../support/refusal.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'
const PLAIN = '018f0000-0000-7000-8000-000000000002'
const AGENT = 'agent\u001b[31m\u202e\nx'
const dir = mkdtempSync(join(tmpdir(), 'audit-event-time-'))
const env: Record<string, string> = { AUDIT_DOMAIN: DOMAIN, AUDIT_PEPPER: `file://${keyFile(dir)}` }
let database: TestDatabase

/** Rows 2 to 4 are events, imported in another order than they happened; row 5 has no time, row 6 has another text there. */
beforeAll(async () => {
  await ensureBuilt()
  database = await testDatabase()
  env.AUDIT_DATABASE_URL = database.url
  for (const domain of [DOMAIN, PLAIN])
    expect((await audit('domain', 'create', '--domain', domain)).code).toBe(0)
  const days = ['2023-07-11T10:00:00Z', '2023-07-10T23:59:59Z', '2023-07-12T00:00:00Z']
  const Records = days.map((eventTime) => ({
    eventTime,
    eventSource: 's3.amazonaws.com',
    eventName: 'GetObject',
    userIdentity: { principalId: 'AIDAX' },
    sourceIPAddress: '192.0.2.7',
    userAgent: AGENT,
  }))
  writeFileSync(join(dir, 'trail.json'), JSON.stringify({ Records }))
  expect((await audit('append', '--format', 'cloudtrail', join(dir, 'trail.json'))).code).toBe(0)
  const line = (metadata?: object) => JSON.stringify({ ...LINE, ...(metadata && { context: { metadata } }) })
  const input = [line(), line({ event_time: 'soon', nested: { a: [1] } })].join('\n')
  expect((await runCli(['append', '--stdin'], { env, input })).code).toBe(0)
})

const LINE = { subject_id: 'alice', relation: 'secret.read', object: 'secret:db' }

afterAll(async () => {
  rmSync(dir, { recursive: true })
  await database?.drop()
})

const audit = (...args: string[]) => runCli(args, { env, input: '' })
const seqs = (rows: readonly { seq: number }[]) => rows.map(({ seq }) => seq)

describe('list --event-from and --event-to', () => {
  it.each<[string[], number[]]>([
    [
      ['--event-from', '2023-07-11'],
      [2, 4],
    ],
    [
      ['--event-to', '2023-07-11'],
      [2, 3],
    ],
    [['--event-from', '2023-07-10', '--event-to', '2023-07-10'], [3]],
    [['--event-from', '2023-07-12T00:00:00Z', '--event-to', '2023-07-12T00:00:00Z'], [4]],
    [['--event-from', '2023-07-13'], []],
    [['--event-from', '0001-01-01', '--relation', 'secret.read'], []],
    [
      ['--event-from', '0001-01-01', '--reason', 'granted', '--reason', 'out_of_scope'],
      [2, 3, 4],
    ],
    [
      ['--event-from', '0001-01-01', '--verify'],
      [2, 3, 4],
    ],
  ])('with %j selects the rows %j', async (flags, expected) => {
    const page = await audit('list', '--json', ...flags)
    expect(page.code).toBe(0)
    expect(seqs((jsonLines(page.stdout)[0] as CheckedEntryList).items)).toEqual(expected)
    const all = await audit('list', '--all', '--json', ...flags)
    expect(seqs(jsonLines(all.stdout) as CheckedAuditEntry[])).toEqual(expected)
  })

  it.each([
    [['--event-from', 'yesterday'], 'event_from: expected a time'],
    [['--event-to', '2023-02-30'], 'event_to: no such date'],
    [
      ['--event-from', '2023-07-12', '--event-to', '2023-07-11'],
      'event_to: expected a time that is not before',
    ],
  ])('refuses %j', async (flags, message) => {
    const { code, stdout, stderr } = await audit('list', ...flags)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
  })

  it('says which instants it understood', async () => {
    const { stderr } = await audit('list', '--event-to', '2023-07-10')
    expect(stderr).toContain('note: times are in UTC: event_to 2023-07-10T23:59:59.999999Z')
  })
})

describe('list --from', () => {
  it.each([
    [DOMAIN, '--from', true],
    [DOMAIN, '--to', true],
    [DOMAIN, '--event-from', false],
    [PLAIN, '--from', false],
  ])('of %s with %s notes that rows were imported: %s', async (domain, flag, isNoted) => {
    const { code, stderr } = await audit('list', '--domain', domain, flag, '2024-01-01T00:00:00Z')
    expect(code).toBe(0)
    expect(stderr.includes('their recorded_at is the time of the import')).toBe(isNoted)
  })
})

describe('the context of a row', () => {
  it('is in get, in JSON marked as not covered by the hash', async () => {
    const { stdout } = await audit('get', '--seq', '3', '--json')
    const { entry } = jsonLines(stdout)[0] as CheckedEntryProof
    expect(entry.context).toEqual({
      covered_by_hash: false,
      ip: '192.0.2.7',
      user_agent: AGENT,
      event_time: '2023-07-10T23:59:59.000000Z',
      metadata: { event_time: '2023-07-10T23:59:59Z' },
    })
  })

  it('is in the text of get below a line that says what no hash covers', async () => {
    const { stdout } = await audit('get', '--seq', '3')
    const [proven = '', beside = ''] = stdout.split('not covered by the hash')
    expect(proven).toMatch(/^recorded_at /m)
    expect(proven).not.toContain('192.0.2.7')
    expect(beside).toMatch(/^event_time +2023-07-10T23:59:59.000000Z$/m)
    expect(beside).toContain('agent\\x1b[31m\\u{202e}\\nx')
  })

  it('is empty for a row without one', async () => {
    const { stdout } = await audit('get', '--seq', '5', '--json')
    expect((jsonLines(stdout)[0] as CheckedEntryProof).entry.context).toEqual({ covered_by_hash: false })
  })

  it('is in a list only with --context', async () => {
    const items = async (...flags: string[]) =>
      jsonLines((await audit('list', '--all', '--json', ...flags)).stdout) as CheckedAuditEntry[]
    expect((await items()).every((item) => !('context' in item))).toBe(true)
    const contexts = (await items('--context')).map(({ context }) => context)
    expect(contexts[1]).toMatchObject({ covered_by_hash: false, event_time: '2023-07-11T10:00:00.000000Z' })
    expect(contexts[5]).toEqual({
      covered_by_hash: false,
      metadata: { event_time: 'soon', nested: { a: [1] } },
    })
  })

  it('is in the columns of a table that say so, without a control character', async () => {
    for (const flags of [[], ['--all']]) {
      const { code, stdout } = await audit('list', '--context', ...flags)
      expect(code).toBe(0)
      expect(stdout).toMatch(
        /not hashed: event_time +not hashed: ip +not hashed: user_agent +not hashed: metadata/,
      )
      expect(stdout).toContain('agent\\x1b[31m\\u{202e}\\nx')
      expect(stdout.split('\n').every((text) => !/[\p{Cc}\u202e]/u.test(text))).toBe(true)
    }
  })

  it('is printed as text where its metadata are nested deeper than this program writes', async () => {
    const deep = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
    await asSuperuser(
      database.url,
      `INSERT INTO audit_entry_context (domain_id, seq, metadata) VALUES ('${PLAIN}', 1, '${deep}')`,
    )
    const { code, stdout } = await audit('get', '--domain', PLAIN, '--seq', '1', '--json')
    expect(code).toBe(0)
    expect((jsonLines(stdout)[0] as CheckedEntryProof).entry.context?.metadata).toBe(deep)
    expect((await audit('list', '--domain', PLAIN, '--context')).code).toBe(0)
    expect((await audit('get', '--domain', PLAIN, '--seq', '1')).code).toBe(0)
  })
})

describe('a chain with many events in the range', () => {
  const MANY = '018f0000-0000-7000-8000-000000000003'
  const ROWS = 20_010

  it('gives the same rows, whether they are collected by their time or looked for in order', async () => {
    await asSuperuser(
      database.url,
      `INSERT INTO audit_log_entry (domain_id, seq, reason, recorded_at, subject_pseudonym, relation, object, prev_hash, entry_hash)
         SELECT '${MANY}', n, 1, now(), sha256('x'), 'x', 'a:b', CASE n WHEN 1 THEN decode(repeat('00', 32), 'hex') ELSE sha256(n::text::bytea) END, sha256((n + 1)::text::bytea)
         FROM generate_series(1, ${ROWS}) n;
       INSERT INTO audit_entry_context (domain_id, seq, metadata)
         SELECT '${MANY}', n, json_build_object('event_time', to_char(timestamp '2024-01-01' + (n * 7919 % ${ROWS}) * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
         FROM generate_series(1, ${ROWS}) n`,
    )
    const db = new Database(database.url)
    const start = BigInt(Date.parse('2024-01-01T00:00:00Z')) * 1_000n
    const minute = 60_000_000n
    const expected = (from: number, to: number) =>
      Array.from({ length: ROWS }, (_, i) => i + 1).filter((n) => {
        const at = (n * 7919) % ROWS
        return at >= from && at <= to
      })
    for (const reader of [postgresEntryReader(db), postgresKeyReader(db)]) {
      for (const [from, to] of [
        [0, ROWS],
        [1, ROWS],
        [100, 900],
        [20_009, ROWS],
      ] as const) {
        const filter = { eventFrom: start + BigInt(from) * minute, eventTo: start + BigInt(to) * minute }
        const rows = expected(from, to)
        for (const after of [0, 7_000, 20_000]) {
          const page = await reader.page(MANY, filter, { after, limit: 50 })
          expect(page.map(({ seq }) => seq)).toEqual(rows.filter((seq) => seq > after).slice(0, 50))
        }
        const last = await reader.page(MANY, filter, { after: 0, limit: 50, order: 'descending' })
        expect(last.map(({ seq }) => seq)).toEqual(rows.slice(-50).reverse())
      }
    }
    await db.close()
  })
})
