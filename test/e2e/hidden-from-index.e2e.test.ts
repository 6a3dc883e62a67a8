import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditEntryList } from '../../src/json/entry.js'
import { PAGE_TRANSACTION } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { chainRows, insertDomain, insertRows, type RowOptions, T0 } from '../support/chain-rows.js'
import { runCli } from '../support/cli.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'
const SECRET = 'cd'.repeat(32)
const PLAIN: RowOptions = { object: 'o:x', correlationId: 'c' }
const ROWS = 400

/** The last row, which is in no index of a filter. */
const HIDDEN: RowOptions = {
  subjectPseudonym: SECRET,
  relation: 'secret.delete',
  object: 'secret:one',
  reason: 'caveat_violation',
  correlationId: 'mallory',
  recordedAt: T0 + 10_000_000_000n,
}

const FILTERS: readonly (readonly string[])[] = [
  ['--subject', SECRET],
  ['--relation', 'secret.delete'],
  ['--object-type', 'secret'],
  ['--object-id', 'one'],
  ['--reason', 'caveat_violation'],
  ['--correlation-id', 'mallory'],
  ['--from', '2026-01-01T02:00:00Z'],
  ['--relation', 'secret.delete', '--object-type', 'secret', '--to', '2027-01-01T00:00:00Z'],
]

/** Indexes that somebody else added. The planner could read the rows by them. */
const ADDED: readonly (readonly [string, string])[] = [
  ['no index', ''],
  [
    'a covering index',
    'CREATE INDEX covering ON audit_log_entry (domain_id, seq) INCLUDE (relation, object)',
  ],
  [
    'a small index that lacks the row',
    `UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'small'::regclass`,
  ],
]

let database: TestDatabase
let dir: string

beforeAll(async () => {
  database = await testDatabase()
  dir = mkdtempSync(join(tmpdir(), 'audit-hidden-'))
  const rows = await insertDomain(
    database.url,
    DOMAIN,
    Array.from({ length: ROWS }, () => PLAIN),
  )
  // The planner prefers a small index to a large primary key.
  await rowsOf(
    database.url,
    `CREATE INDEX small ON audit_log_entry (domain_id, seq) WHERE seq IS NOT NULL;
     ALTER INDEX audit_log_entry_pkey SET (fillfactor = 10); REINDEX INDEX audit_log_entry_pkey;
     UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'small'::regclass`,
  )
  const indexes = `indrelid = 'audit_log_entry'::regclass AND NOT indisprimary`
  await rowsOf(database.url, `UPDATE pg_index SET indisready = false WHERE ${indexes}`)
  await insertRows(database.url, chainRows(DOMAIN, [HIDDEN], ROWS + 1, rows.at(-1)?.entryHash))
  await rowsOf(database.url, `UPDATE pg_index SET indisready = true WHERE ${indexes}`)
  await rowsOf(database.url, 'ANALYZE audit_log_entry')
})

afterAll(async () => {
  await database.drop()
  rmSync(dir, { recursive: true })
})

const audit = (...args: string[]) => runCli([...args, '--domain', DOMAIN, '--database-url', database.url])

async function listed(...words: readonly string[]): Promise<number[]> {
  const { code, stdout } = await audit('list', ...words, '--json')
  expect(code).toBe(0)
  return (JSON.parse(stdout) as AuditEntryList).items.map(({ seq }) => seq)
}

describe.each(ADDED)('a row that no index of a filter has, with %s', (name, sql) => {
  beforeAll(async () => {
    if (sql !== '') await rowsOf(database.url, `${sql}; ANALYZE audit_log_entry`)
  })
  afterAll(() =>
    rowsOf(
      database.url,
      `DROP INDEX IF EXISTS covering; UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'small'::regclass`,
    ),
  )

  it.each(FILTERS)('is in list --verify and in export --verify of %s %s', async (...filter) => {
    expect(await listed('--verify', ...filter)).toEqual([ROWS + 1])
    // With this index, the row is not found as the end of the chain either.
    if (name.includes('small')) return
    const output = join(dir, 'bundle.tar')
    const { code, stdout } = await audit(
      'export',
      '--verify',
      ...filter,
      '--output',
      output,
      '--force',
      '--json',
    )
    expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({
      code: 0,
      rows: 1,
      last_seq: ROWS + 1,
    })
  })
})

it('is not in the index that the planner prefers to the primary key', async () => {
  const connected = new Database(database.url, 1)
  const valid = (is: boolean) =>
    rowsOf(database.url, `UPDATE pg_index SET indisvalid = ${is} WHERE indexrelid = 'small'::regclass`)
  await valid(true)
  const { rows } = await connected.withTransaction(PAGE_TRANSACTION, (client) =>
    client.query<{ seq: string }>(
      'SELECT seq FROM audit_log_entry WHERE domain_id = $1 AND seq > 0 ORDER BY seq',
      [DOMAIN],
    ),
  )
  await valid(false)
  await connected.close()
  expect(rows).toHaveLength(ROWS)
})

it.each(FILTERS.slice(0, 6))('does not show the row in a plain list by %s %s', async (...filter) => {
  expect(await listed(...filter)).toEqual([])
})
