import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type CliResult, jsonLines, runCli } from '../support/cli.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const INTACT = '018f0000-0000-7000-8000-000000000001'
const EDITED = '018f0000-0000-7000-8000-000000000002'
const SUBJECT = ['--subject', 'x', '--relation', 'a.b', '--object', 'c:d']
const role = `reader_${randomBytes(4).toString('hex')}`

let database: TestDatabase
let dir: string
let name: string

beforeAll(async () => {
  database = await testDatabase()
  dir = mkdtempSync(join(tmpdir(), 'audit-settings-'))
  writeFileSync(join(dir, 'pepper.key'), Buffer.alloc(32, 5), { mode: 0o600 })
  name = new URL(database.url.replace('@/', '@h/')).pathname.slice(1)
  for (const domain of [INTACT, EDITED]) {
    expect((await audit('domain', 'create', '--domain', domain)).code).toBe(0)
    const appended = await audit('append', '--domain', domain, ...SUBJECT, '--correlation-id', 'café')
    expect(appended.code).toBe(0)
  }
  // In LATIN1 this text has the bytes of the text that was hashed.
  await asSuperuser(
    database.url,
    `UPDATE audit_log_entry SET correlation_id = 'cafÃ©' WHERE domain_id = '${EDITED}' AND seq = 2`,
  )
  await rowsOf(database.url, `CREATE ROLE ${role} LOGIN IN ROLE audit_writer`)
})

afterEach(async () => {
  await rowsOf(database.url, `ALTER DATABASE ${name} RESET ALL`)
  await rowsOf(database.url, `ALTER ROLE ${role} RESET ALL`)
})

afterAll(async () => {
  await rowsOf(database.url, `DROP OWNED BY ${role}; DROP ROLE ${role}`)
  await database.drop()
  rmSync(dir, { recursive: true })
})

function audit(...args: string[]): Promise<CliResult> {
  return auditAt(database.url, ...args)
}

function auditAt(url: string, ...args: string[]): Promise<CliResult> {
  const env = { AUDIT_DATABASE_URL: url, AUDIT_PEPPER: `file://${join(dir, 'pepper.key')}` }
  return runCli(args, { env })
}

const asRole = () => database.url.replace('postgres@', `${role}@`)

/** Settings that change what a query returns, or how its text reaches a client. */
const SETTINGS = [
  "client_encoding = 'LATIN1'",
  "client_encoding = 'SQL_ASCII'",
  'row_security = on',
  "DateStyle = 'German, DMY'",
  "IntervalStyle = 'iso_8601'",
  "TimeZone = 'Pacific/Chatham'",
  'bytea_output = escape',
  'extra_float_digits = -15',
  'standard_conforming_strings = off',
  'array_nulls = off',
  'transform_null_equals = on',
  'quote_all_identifiers = on',
  "default_transaction_isolation = 'serializable'",
  'session_replication_role = replica',
  'session_replication_role = local',
  'enable_indexscan = off',
  'enable_seqscan = off',
  'constraint_exclusion = on',
]

/** Expects a finding on the edited chain only. */
async function assertVerdicts(url: string, setting: string): Promise<void> {
  for (const [domain, code] of [
    [INTACT, 0],
    [EDITED, 1],
  ] as const) {
    const result = await auditAt(url, 'verify', '--domain', domain, '--json')
    expect(result).toMatchObject({ code })
    expect(jsonLines(result.stdout)).toMatchObject([{ ok: code === 0 }])
    const warnings = result.stderr.split('\n').filter((line) => line.startsWith('warning: '))
    expect(warnings).toHaveLength(setting.includes('session_replication_role') ? 1 : 0)
    expect((await auditAt(url, 'get', '--domain', domain, '--seq', '2')).code).toBe(code)
  }
}

describe('a setting changes no verdict', () => {
  it.each(SETTINGS)('of the database: %s', async (setting) => {
    await rowsOf(database.url, `ALTER DATABASE ${name} SET ${setting}`)
    await assertVerdicts(database.url, setting)
  })

  it.each(SETTINGS)('of the role: %s', async (setting) => {
    await rowsOf(database.url, `ALTER ROLE ${role} SET ${setting}`)
    await assertVerdicts(asRole(), setting)
  })

  it.each(SETTINGS)('of the login trigger: %s', async (setting) => {
    if (!(await hasLoginTriggers())) return
    const [parameter = '', value = ''] = setting.replaceAll("'", '').split(' = ')
    await rowsOf(
      database.url,
      `CREATE FUNCTION at_login() RETURNS event_trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM set_config('${parameter}', '${value}', false); END $$;
       CREATE EVENT TRIGGER at_login ON login EXECUTE FUNCTION at_login()`,
    )
    try {
      await assertVerdicts(database.url, setting)
    } finally {
      await rowsOf(database.url, 'DROP EVENT TRIGGER at_login; DROP FUNCTION at_login')
    }
  })
})

async function hasLoginTriggers(): Promise<boolean> {
  const [row] = await rowsOf(
    database.url,
    `SELECT current_setting('server_version_num')::int >= 170000 AS has`,
  )
  return row?.has === true
}

describe('without triggers', () => {
  const WRITES: readonly (readonly string[])[] = [
    ['append', '--domain', INTACT, ...SUBJECT],
    ['domain', 'create'],
    ['domain', 'name', '--domain', INTACT, '--name', 'x'],
    ['erase-identity', '--domain', INTACT, '--subject', 'x', '--confirm'],
    ['identify', '--domain', INTACT, '--seq', '1', '--reason', 'x'],
    ['hold', 'place', '--domain', INTACT, '--reason', 'case-1'],
    ['retention', 'set', '--domain', INTACT, '--personal-days', '30'],
    ['key', 'create', '--domain', INTACT, '--relation', 'owner'],
    ['relation', 'grant', '--domain', INTACT, '--relation', 'owner', '--subject', 'user:x'],
    ['quarantine', 'acknowledge', '1', '--reason', 'x'],
    ['db', 'migrate'],
  ]

  it.each(['replica', 'local'])('every command that writes stops: %s', async (value) => {
    await audit('verify', '--domain', EDITED)
    await rowsOf(database.url, `ALTER DATABASE ${name} SET session_replication_role = ${value}`)
    const before = await rowsOf(database.url, 'SELECT count(*) FROM audit_log_entry')
    for (const command of WRITES) {
      const { code, stdout, stderr } = await audit(...command, '--json')
      const error = stderr.split('\n').find((line) => line.startsWith('{"error"')) ?? '{}'
      expect({ command, code, stdout, stderr: JSON.parse(error) }).toEqual({
        command,
        code: 3,
        stdout: '',
        stderr: {
          error: {
            code: 'triggers_off',
            message: expect.stringContaining(`expected origin, got ${value}`),
            hint: expect.stringContaining('RESET session_replication_role'),
          },
        },
      })
    }
    expect(await rowsOf(database.url, 'SELECT count(*) FROM audit_log_entry')).toEqual(before)
  })

  it('the archiver stops without a stamp', async () => {
    await rowsOf(database.url, `ALTER DATABASE ${name} SET session_replication_role = replica`)
    const { code, stderr } = await audit(
      'archiver',
      '--once',
      '--init-mirror',
      '--mirror',
      `file://${dir}/mirror`,
    )
    expect({ code, stderr }).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('origin, got replica'),
    })
  })
})

describe('a policy that hides rows', () => {
  it.each([
    ['verify', '--domain', INTACT],
    ['verify', '--all'],
    ['list', '--domain', INTACT],
    ['get', '--domain', INTACT, '--seq', '1'],
    ['export', '--domain', INTACT, '--output', '/dev/null', '--force'],
  ])('is an error of %s %s', async (...command) => {
    await rowsOf(database.url, 'ALTER TABLE audit_log_entry ENABLE ROW LEVEL SECURITY')
    try {
      const { code, stderr } = await auditAt(asRole(), ...command)
      expect({ code, stderr }).toEqual({
        code: 3,
        stderr: expect.stringContaining(
          'a row security policy may hide rows from this role, so nothing was read',
        ),
      })
    } finally {
      await rowsOf(database.url, 'ALTER TABLE audit_log_entry DISABLE ROW LEVEL SECURITY')
    }
  })
})
