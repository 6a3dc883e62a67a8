import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { knownMigrations } from '../../src/repo/schema/migrations-files.js'
import { DOMAIN } from '../support/bad-lines.js'
import { type CliOptions, ensureBuilt, ROOT, runCli } from '../support/cli.js'
import {
  asSuperuser,
  rowsOf,
  type TestCluster,
  type TestDatabase,
  testCluster,
  testDatabase,
} from '../support/postgres.js'
import {
  expectClean,
  expectRefused,
  filesBelow,
  keyFile,
  type Refusal,
  SECRET,
  stateOf,
} from '../support/refusal.js'

const dir = mkdtempSync(join(tmpdir(), 'audit-keys-'))
const PEPPER = `file://${keyFile(dir)}`
const LINE = JSON.stringify({ subject_id: SECRET.subject, relation: 'doc.read', object: 'doc:1' })
const APPEND = ['append', '--stdin', '--domain', DOMAIN]

let database: TestDatabase
let env: Record<string, string>

beforeAll(async () => {
  await ensureBuilt()
  database = await testDatabase()
  env = { AUDIT_DATABASE_URL: database.url, AUDIT_PEPPER: PEPPER }
  await succeeds(['domain', 'create', '--domain', DOMAIN], { env })
})

afterAll(async () => {
  rmSync(dir, { recursive: true })
  await database.drop()
})

async function succeeds(args: readonly string[], options: CliOptions): Promise<void> {
  const { code, stderr } = await runCli(args, options)
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: '' })
}

const refused = (
  name: string,
  exit: number,
  code: Refusal['code'],
  says: Refusal['says'],
  more: Partial<Refusal> = {},
) => ({
  name,
  args: APPEND,
  input: LINE,
  exit,
  code,
  says,
  ...more,
})

/** Expects the refusal, and the database and the key files unchanged. */
async function holds(refusal: Refusal): Promise<void> {
  const before = { state: await stateOf(database.url), files: filesBelow(dir) }
  await expectRefused(refusal, env)
  expect({ state: await stateOf(database.url), files: filesBelow(dir) }).toEqual(before)
}

const key = (name: string, content?: string, mode?: number) => `file://${keyFile(dir, name, content, mode)}`
const other = key('other.key', 'another-key-of-exactly-32-bytes!')
const mismatch = (name: string, args: readonly string[]): Refusal =>
  refused(name, 2, 'pepper_mismatch', 'the pepper does not reproduce the genesis row of chain', {
    args,
    env: { AUDIT_PEPPER: other },
    hint: '--pepper',
  })

const noKey = (
  name: string,
  pepper: string,
  says: string,
  code: Refusal['code'] = 'pepper_unavailable',
  exit = 3,
) => refused(name, exit, code, says, { env: { AUDIT_PEPPER: pepper } })

mkdirSync(join(dir, 'a-folder'))
const open = key('open.key', undefined, 0o644)
chmodSync(join(dir, 'open.key'), 0o644)

const PEPPERS: readonly Refusal[] = [
  mismatch('another pepper, append', APPEND),
  mismatch('another pepper, list by subject', ['list', '--domain', DOMAIN, '--subject-id', SECRET.subject]),
  mismatch('another pepper, domain create', ['domain', 'create', '--domain', `${DOMAIN.slice(0, -1)}9`]),
  noKey('no pepper', '', 'an external database needs a pepper source', 'pepper_not_configured', 2),
  noKey('mode 0644', open, 'open.key: can be read or written by others: expected mode 0600, got 0644'),
  noKey('31 bytes', key('short.key', SECRET.pepper.slice(1)), 'expected exactly 32 raw bytes, got 31'),
  noKey('33 bytes', key('long.key', `${SECRET.pepper}!`), 'expected exactly 32 raw bytes, got more'),
  noKey('an empty key file', key('empty.key', ''), 'expected exactly 32 raw bytes, got 0'),
  noKey('a missing key file', `file://${dir}/missing.key`, 'missing.key: cannot be opened (ENOENT)'),
  noKey('a directory', `file://${dir}/a-folder`, 'a-folder: is not a regular file'),
  noKey('the secret itself', SECRET.pepper, 'pepper source: expected file:///path', 'usage', 2),
  noKey('a path without a scheme', join(dir, 'pepper.key'), 'expected file:///path', 'usage', 2),
]

describe('the pepper', () => {
  it.concurrent.each(PEPPERS)('$name', holds)

  it('is an error, not bad input, when it is of another key file, also with --rejects', async () => {
    const path = join(dir, 'rejected')
    const args = [...APPEND, '--rejects', path]
    const result = await runCli(args, { env: { ...env, AUDIT_PEPPER: other }, input: LINE })
    expectClean(result)
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain(
      '1 of 1 entries were refused, 0 rows appended; standard input, line 1: the pepper',
    )
    rmSync(path)
  })

  it('is not needed to verify', async () => {
    await succeeds(['verify', '--domain', DOMAIN], { env: { AUDIT_DATABASE_URL: database.url } })
  })
})

const url = (place: string) => ({
  env: { AUDIT_DATABASE_URL: `postgresql://auditor:${SECRET.password}@${place}` },
})
const unavailable = (name: string, place: string, says: Refusal['says'], args: readonly string[]): Refusal =>
  refused(`${name}: ${args[0]}`, 3, 'database_unavailable', says, {
    args,
    ...url(place),
    hint: 'check --database-url',
  })

const COMMANDS = [
  APPEND,
  ['verify', '--all'],
  ['list', '--domain', DOMAIN],
  ['db', 'status'],
  ['db', 'migrate'],
]
const badUrl = (name: string, text: string) =>
  refused(name, 2, 'usage', '--database-url: expected a URL', { env: { AUDIT_DATABASE_URL: text } })

const UNREACHABLE: readonly Refusal[] = [
  ...COMMANDS.map((args) => unavailable('a closed port', '127.0.0.1:1/audit', 'ECONNREFUSED', args)),
  unavailable('an unknown host', 'nosuch.invalid/audit', /ENOTFOUND|EAI_AGAIN/, APPEND),
  unavailable('no socket', '/audit?host=%2Fnonexistent', 'ENOENT', APPEND),
  unavailable(
    'a missing certificate',
    '127.0.0.1:1/audit?sslmode=verify-full&sslrootcert=/nonexistent',
    'ENOENT',
    APPEND,
  ),
  badUrl('a URL of another kind', `mysql://auditor:${SECRET.password}@127.0.0.1/audit`),
  badUrl('a database name', SECRET.password),
  badUrl('a port that is not a number', `postgresql://auditor:${SECRET.password}@127.0.0.1/audit?port=abc`),
  badUrl('a port too high', `postgresql://auditor:${SECRET.password}@127.0.0.1:65536/audit`),
]

describe('a database that cannot be reached', () => {
  it.concurrent.each(UNREACHABLE)('$name', holds)

  it('is refused when the server does not know it', async () => {
    const text = new URL(database.url.replace('@/', '@socket/'))
    text.pathname = '/no_such_database'
    const unknown = text.href.replace('@socket/', '@/')
    await holds(
      refused('', 3, 'database_unavailable', 'database "no_such_database" does not exist (3D000)', {
        env: { AUDIT_DATABASE_URL: unknown },
      }),
    )
  })
})

describe('a server that asks for a password', () => {
  let cluster: TestCluster

  beforeAll(async () => {
    cluster = await testCluster()
    const client = new pg.Client(cluster.url)
    await client.connect()
    const { rows } = await client.query<{ hba_file: string }>('SHOW hba_file')
    await client.query(`CREATE ROLE auditor LOGIN PASSWORD 'not-${SECRET.password}'`)
    writeFileSync(rows[0]?.hba_file ?? '', 'local all postgres trust\nlocal all auditor scram-sha-256\n')
    await client.query('SELECT pg_reload_conf()')
    await client.end()
  })
  afterAll(() => cluster.stop('immediate'))

  const as = (credentials: string) => cluster.url.replace('//postgres@', `//${credentials}@`)

  it.each(COMMANDS)('refuses a wrong password: %s', async (...args) => {
    const env = { AUDIT_DATABASE_URL: as(`auditor:${SECRET.password}`) }
    const says = 'password authentication failed for user "auditor" (28P01)'
    await holds(refused('', 3, 'database_unavailable', says, { args, env }))
  })

  // The server would keep such a connection, and with it the process, for a minute. The limit is far below that.
  it('refuses a URL without a password', { timeout: 30_000 }, async () => {
    const env = { AUDIT_DATABASE_URL: as('auditor') }
    await holds(refused('', 3, 'database_unavailable', /password/, { env }))
  })

  it('refuses a user that may not connect', async () => {
    const env = { AUDIT_DATABASE_URL: as(`stranger:${SECRET.password}`) }
    await holds(refused('', 3, 'database_unavailable', 'no pg_hba.conf entry', { env }))
  })
})

/** A database for a test to damage, with one chain in it. */
async function spoilt(sql: string): Promise<TestDatabase & { env: Record<string, string> }> {
  const own = await testDatabase()
  const ownEnv = { ...env, AUDIT_DATABASE_URL: own.url }
  await succeeds(['domain', 'create', '--domain', DOMAIN], { env: ownEnv })
  await asSuperuser(own.url, sql)
  return { ...own, env: ownEnv }
}

const NEWEST = knownMigrations().length
const EVERY = [
  APPEND,
  ['verify', '--all'],
  ['list', '--domain', DOMAIN],
  ['domain', 'create'],
  ['quarantine', 'list', '--all'],
]

describe('a schema that audit did not make', () => {
  const cases = [
    {
      name: 'newer',
      sql: `INSERT INTO audit_schema_migration (version, name, sha256) VALUES (${NEWEST + 1}, 'x', decode(repeat('ab', 32), 'hex'))`,
      code: 'schema_newer',
      says: `the database has schema ${NEWEST + 1}, this program knows ${NEWEST} at most`,
      hint: 'upgrade audit',
      also: [
        ['db', 'migrate'],
        ['db', 'status'],
      ],
    },
    {
      name: 'changed',
      sql: `UPDATE audit_schema_migration SET sha256 = decode(repeat('ab', 32), 'hex') WHERE version = 1`,
      code: 'schema_changed',
      says: `migration 0001_audit_log was applied from a file with sha256 ${'ab'.repeat(32)}`,
      hint: 'a landed migration never changes',
      also: [
        ['db', 'migrate'],
        ['db', 'status'],
      ],
    },
    {
      name: 'forgotten',
      sql: 'DELETE FROM audit_schema_migration',
      code: 'schema_missing',
      says: 'the database has no schema',
      hint: 'audit db migrate',
      also: [],
    },
    ...(NEWEST === 1
      ? []
      : [
          {
            name: 'older',
            sql: `DELETE FROM audit_schema_migration WHERE version = ${NEWEST}`,
            code: 'schema_outdated',
            says: `the database has schema ${NEWEST - 1}, this program needs ${NEWEST}`,
            hint: 'audit db migrate',
            also: [],
          } as const,
        ]),
  ] as const

  it.each(cases)('$name', async ({ sql, code, says, hint, also }) => {
    const own = await spoilt(sql)
    const before = await stateOf(own.url)
    await Promise.all(
      [...EVERY, ...also].map((args) =>
        expectRefused(refused('', 3, code, says, { args, hint, env: own.env })),
      ),
    )
    expect(await stateOf(own.url)).toEqual(before)
    await own.drop()
  })

  it('is an error when it is missing', async () => {
    const empty = await testDatabase({ migrated: false })
    const ownEnv = { ...env, AUDIT_DATABASE_URL: empty.url }
    const absent = (args: readonly string[]) =>
      refused('', 3, 'schema_missing', 'audit_schema_migration', {
        args,
        env: ownEnv,
        hint: 'audit db migrate',
      })
    await Promise.all(EVERY.map((args) => expectRefused(absent(args))))
    expect(await rowsOf(empty.url, `SELECT relname FROM pg_class WHERE relname LIKE 'audit%'`)).toEqual([])
    await empty.drop()
  })
})

describe('a database that is read-only', () => {
  let own: Awaited<ReturnType<typeof spoilt>>

  beforeAll(async () => {
    own = await spoilt(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`,
    )
  })
  afterAll(() => own.drop())

  it.each([
    APPEND,
    ['append', '--domain', DOMAIN, '--subject', 'x', '--relation', 'doc.read', '--object', 'doc:1'],
    ['domain', 'create'],
  ])('makes %s %s fail', async (...args) => {
    const before = await stateOf(own.url)
    const says = /cannot execute .* in a read-only transaction \(25006\)/
    await expectRefused(
      refused('', 3, 'database_read_only', says, { args, env: own.env, hint: 'need a primary' }),
    )
    expect(await stateOf(own.url)).toEqual(before)
  })

  it.each([
    ['verify', '--all'],
    ['list', '--domain', DOMAIN],
    ['get', '--domain', DOMAIN, '--seq', '1'],
    ['domain', 'list'],
    ['db', 'migrate'],
  ])('lets %s %s work', async (...args) => {
    await succeeds(args, { env: own.env })
  })
})

describe('a home of its own', () => {
  const home = mkdtempSync(join(tmpdir(), 'audit-home-'))
  const homeEnv = { AUDIT_HOME: home }

  afterAll(async () => {
    await runCli(['db', 'stop'], { env: homeEnv })
    rmSync(home, { recursive: true })
  })

  it('gets no new key and no new row when its key file was deleted and it has rows', async () => {
    expect((await runCli(['domain', 'create', '--domain', DOMAIN], { env: homeEnv })).code).toBe(0)
    const own = (await runCli(['db', 'url'], { env: homeEnv })).stdout.trim()
    const before = await stateOf(own)
    const path = join(home, 'pepper.key')
    rmSync(path)
    for (const args of [
      APPEND,
      ['domain', 'create'],
      ['list', '--domain', DOMAIN, '--subject-id', SECRET.subject],
    ]) {
      const says = /pepper\.key does not exist, and the rows .* made with it/
      await expectRefused(refused('', 3, 'pepper_unavailable', says, { args, env: homeEnv, hint: 'backup' }))
    }
    expect(existsSync(path)).toBe(false)
    expect(await stateOf(own)).toEqual(before)
    await succeeds(['verify', '--all'], { env: homeEnv })
  })

  it.each([
    ['a path too long', `/tmp/${'x'.repeat(100)}`, 'the path of the home is too long'],
    ['below a file', join(PEPPER.slice('file://'.length), 'home'), /cannot read .* ENOTDIR/],
  ])('%s', async (_name, home, says) => {
    const hint = 'choose'
    await holds(
      refused('', 3, 'embedded_unavailable', says, {
        env: { AUDIT_DATABASE_URL: '', AUDIT_HOME: home },
        hint,
      }),
    )
  })
})

describe('an incomplete build', () => {
  it('ends with 70 without dist and says what to do', async () => {
    const copy = mkdtempSync(join(tmpdir(), 'audit-unbuilt-'))
    for (const part of ['bin', 'package.json'])
      cpSync(join(ROOT, part), join(copy, part), { recursive: true })
    const bin = join(copy, 'bin/run.js')
    for (const args of [APPEND, ['verify', '--all'], ['--help']]) {
      const says = 'this copy of audit is not built: dist is missing'
      await holds(refused('', 70, 'internal', says, { args, bin, hint: 'npm run build' }))
    }
    rmSync(copy, { recursive: true })
  })
})
