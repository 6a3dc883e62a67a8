import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines, runCli } from '../support/cli.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let cli: CliDatabase
let domainId: string

/** A session that holds every chain. */
let held: pg.Client

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  domainId = await cli.create()
  held = new pg.Client({ connectionString: database.url })
  await held.connect()
  await held.query('BEGIN')
  await held.query('SELECT FROM audit_log_chain_head FOR UPDATE')
})

afterAll(async () => {
  await held.end()
  cli.remove()
  await database.drop()
})

const ENTRY = ['--subject', 'alice', '--relation', 'project.read', '--object', 'project:p1']

describe('a command that writes, beside a session that holds the chain', () => {
  it.each([
    ['append', () => ['append', '--domain', domainId, ...ENTRY]],
    ['append --stdin', () => ['append', '--domain', domainId, '--stdin']],
    ['domain create', () => ['domain', 'create']],
    ['domain name', () => ['domain', 'name', '--domain', domainId, '--name', 'new']],
    ['erase-identity', () => ['erase-identity', '--domain', domainId, '--subject', 'alice', '--confirm']],
    ['identify', () => ['identify', '--domain', domainId, '--subject-id', 'alice', '--reason', 'x']],
    ['hold place', () => ['hold', 'place', '--domain', domainId, '--reason', 'case 7']],
    ['retention set', () => ['retention', 'set', '--domain', domainId, '--personal-days', '30']],
  ])('%s ends with 3 after --lock-timeout and names the session', async (_command, words) => {
    const input = '{"subject_id":"alice","relation":"project.read","object":"project:p1"}\n'
    const result = await runCli([...words(), '--lock-timeout', '1s', '--json'], { env: cli.env, input })
    expect(result.stdout).toBe('')
    const error = jsonLines(result.stderr.slice(result.stderr.indexOf('{')))[0]
    expect(result.code, result.stderr).toBe(3)
    expect(JSON.stringify(error)).toMatch(
      /lock_timeout.*waited 1 s .*audit_log_chain_head.*held by pid \d+, role postgres/,
    )
    expect(JSON.stringify(error)).toMatch(/pg_terminate_backend\(\d+\)/)
  })

  it('refuses a lock timeout that is no duration', async () => {
    const result = await runCli(['append', '--lock-timeout', 'long'], { env: cli.env })
    expect(result).toMatchObject({ code: 2, stdout: '' })
  })
})
