import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditEntryList } from '../../src/json/entry.js'
import { insertDomain } from '../support/chain-rows.js'
import { runCli } from '../support/cli.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'
/** Rows 8 to 12. */
const RANGE = ['--from', '2026-01-01T00:00:08Z', '--to', '2026-01-01T00:00:12.5Z']
const UNVERIFIED =
  'note: the order of the times is unverified, so a row is missing if somebody edited a time; run again with --verify\n'
const NOTE = `note: the times of chain ${DOMAIN} are not in order, so every row was compared; run: audit verify`

let database: TestDatabase
let dir: string

beforeAll(async () => {
  database = await testDatabase()
  dir = mkdtempSync(join(tmpdir(), 'audit-order-'))
  await insertDomain(
    database.url,
    DOMAIN,
    Array.from({ length: 20 }, () => ({})),
  )
})

afterAll(async () => {
  await database.drop()
  rmSync(dir, { recursive: true })
})

const audit = (...args: string[]) => runCli([...args, '--domain', DOMAIN, '--database-url', database.url])

async function listed(...words: string[]) {
  const { code, stdout, stderr } = await audit('list', ...words, '--json')
  const { items, time_order: order } = JSON.parse(stdout) as AuditEntryList
  return {
    code,
    order,
    seqs: items.map(({ seq }) => seq),
    isNoted: stderr.includes(NOTE) || stderr.includes(UNVERIFIED),
  }
}

async function exported(name: string): Promise<string> {
  const path = join(dir, name)
  await audit('export', '--output', path)
  return path
}

async function listedFile(path: string, ...words: string[]) {
  const { code, stdout } = await runCli(['list', path, ...RANGE, ...words, '--json'])
  const { items, time_order: order } = JSON.parse(stdout) as AuditEntryList
  return { code, order, seqs: items.map(({ seq }) => seq) }
}

describe('the order of times', () => {
  it('is in the JSON of a list by time, and of no other', async () => {
    const seqs = [8, 9, 10, 11, 12]
    expect(await listed(...RANGE)).toEqual({ code: 0, order: 'unverified', seqs, isNoted: false })
    expect(await listed(...RANGE, '--verify')).toEqual({ code: 0, order: 'verified', seqs, isNoted: false })
    expect(await listed(...RANGE, '--last', '2')).toMatchObject({ order: 'unverified', seqs: [11, 12] })
    expect((await listed('--verify')).order).toBeUndefined()
    const { stdout } = await audit('stats', ...RANGE, '--json')
    expect(JSON.parse(stdout)).toMatchObject({ rows: 5, time_order: 'unverified' })
    const path = await exported('intact.tar')
    expect(await listedFile(path)).toEqual({ code: 0, order: 'unverified', seqs })
    expect(await listedFile(path, '--verify')).toEqual({ code: 0, order: 'verified', seqs })
  })

  it.each([[], ['--format', 'csv'], ['--all'], ['--all', '--json']])(
    'is noted by a list %j, whose answer does not say it',
    async (...words) => {
      expect((await audit('list', ...RANGE, ...words)).stderr).toContain(UNVERIFIED)
      expect((await audit('list', ...RANGE, ...words, '--verify')).stderr).not.toContain(UNVERIFIED)
      expect((await audit('list', ...words)).stderr).not.toContain(UNVERIFIED)
    },
  )

  it('is broken by an edited time, once a command has recomputed the row', async () => {
    await asSuperuser(
      database.url,
      `UPDATE audit_log_entry SET recorded_at = recorded_at - interval '1 minute' WHERE seq = 10`,
    )
    const seqs = [8, 9, 11, 12]
    expect(await listed(...RANGE)).toMatchObject({ order: 'unverified', seqs: [11, 12], isNoted: false })
    expect(await listed(...RANGE, '--verify')).toEqual({ code: 0, order: 'broken', seqs, isNoted: true })
    expect((await audit('verify')).code).toBe(1)
    expect(await listed(...RANGE)).toEqual({ code: 0, order: 'broken', seqs, isNoted: true })
    const text = await audit('list', ...RANGE, '--all')
    expect(text.stderr).toContain(NOTE)
    const stats = await audit('stats', ...RANGE, '--json')
    expect(JSON.parse(stats.stdout)).toMatchObject({ rows: 4, time_order: 'broken' })
    const path = await exported('edited.tar')
    expect(await listedFile(path)).toEqual({ code: 0, order: 'unverified', seqs })
    expect(await listedFile(path, '--verify')).toMatchObject({ order: 'broken', seqs })
  })
})
