import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliResult, runCli } from '../support/cli.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
const role = `admin_${randomBytes(4).toString('hex')}`

beforeAll(async () => {
  database = await testDatabase()
  await rowsOf(database.url, `CREATE ROLE ${role}`)
})

afterAll(async () => {
  await rowsOf(database.url, `DROP ROLE ${role}`)
  await database.drop()
})

const status = (url: string, ...flags: string[]): Promise<CliResult> =>
  runCli(['db', 'status', ...flags, '--database-url', url])

const NO_VIEW = 'DROP VIEW audit_log_entry_archived'
const LOG = 'ALTER TABLE audit_log_entry'
const WEAK: readonly (readonly [kind: string, sql: string, named: string])[] = [
  [
    'missing',
    'DROP TRIGGER audit_log_entry_write_once ON audit_log_entry',
    'trigger audit_log_entry_write_once',
  ],
  ['disabled', `${LOG} DISABLE TRIGGER ALL`, 'trigger audit_log_entry_write_once'],
  [
    'disabled',
    `${LOG} ENABLE REPLICA TRIGGER audit_log_entry_write_once`,
    'trigger audit_log_entry_write_once',
  ],
  ['altered', `${LOG} SET UNLOGGED`, 'storage: expected table, got UNLOGGED table'],
  ['altered', `${NO_VIEW}; ${LOG} ALTER correlation_id TYPE varchar(256)`, 'got character varying(256)'],
  [
    'altered',
    `${NO_VIEW}; ${LOG} ALTER relation TYPE text COLLATE "POSIX"`,
    'column relation: expected text COLLATE "C", got text COLLATE "POSIX"',
  ],
  [
    'altered',
    `CREATE OR REPLACE FUNCTION audit_log_chain_head_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$`,
    'function audit_log_chain_head_guard()',
  ],
  ['exposed', 'GRANT UPDATE ON audit_log_entry TO PUBLIC', 'audit_log_entry: UPDATE for PUBLIC'],
  ['exposed', 'GRANT SELECT (relation) ON audit_log_entry TO PUBLIC', 'SELECT of column relation for PUBLIC'],
  [
    'settings',
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database()); END $$`,
    'session_replication_role replica',
  ],
  [
    'settings',
    `ALTER ROLE ${role} SET session_replication_role = replica`,
    `role ${role}: session_replication_role`,
  ],
]

describe('db status', () => {
  it.each([[['--json']], [[]]])('ends with 0 for a healthy database: %j', async (flags) => {
    expect(await status(database.url, ...flags)).toMatchObject({ code: 0, stderr: '' })
  })

  it.each(WEAK)(
    'prints the whole document, names what is %s, and ends with 3: %s',
    async (kind, sql, named) => {
      const own = await testDatabase()
      await rowsOf(own.url, sql)
      const [json, text] = [await status(own.url, '--json'), await status(own.url)]
      await own.drop()
      await rowsOf(database.url, `ALTER ROLE ${role} RESET ALL`)
      const { schema } = JSON.parse(json.stdout) as { schema: { guards: Record<string, string[]> } }
      expect(schema).toMatchObject({ name: 'public', pending: [] })
      expect(schema.guards[kind]?.join('\n')).toContain(named)
      expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'guards_missing' } })
      expect(text.stdout).toMatch(new RegExp(`^${kind} .*`, 'm'))
      expect(text.stderr).toMatch(/^Error: /m)
      expect([json.code, text.code]).toEqual([3, 3])
    },
  )
})
