import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { openPepperSource } from '../../src/pepper/open-pepper.js'
import { Writer } from '../support/append-chains.js'
import { type CliResult, jsonLines, runCli } from '../support/cli.js'
import { KvAdmin } from '../support/kv2-admin.js'
import { CA_FILE, Kv2Server } from '../support/kv2-server.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const dir = mkdtempSync(join(tmpdir(), 'audit-bao-'))
let database: TestDatabase
let server: Kv2Server
let admin: KvAdmin
let env: Record<string, string>

beforeAll(async () => {
  mkdirSync(join(dir, 'mirror'))
  database = await testDatabase()
  server = await Kv2Server.start({ tls: true })
  admin = new KvAdmin(server.url(), server.rootToken, CA_FILE)
  env = {
    AUDIT_DATABASE_URL: database.url,
    AUDIT_HOME: join(dir, 'home'),
    AUDIT_PEPPER: server.url(),
    AUDIT_MIRROR_URL: pathToFileURL(join(dir, 'mirror')).href,
    BAO_TOKEN: server.rootToken,
    BAO_CACERT: CA_FILE,
  }
  expect(await audit('pepper', 'provision', '--platform')).toMatchObject({ code: 0, stderr: '' })
})

afterAll(async () => {
  await server.close()
  await database.drop()
  rmSync(dir, { recursive: true, force: true })
})

const auditWith = (more: Record<string, string>, ...args: string[]) =>
  runCli([...args, '--json'], { env: { ...env, ...more } })
const audit = (...args: string[]) => auditWith({}, ...args)
const provision = (domainId: string, ...args: string[]) =>
  audit('pepper', 'provision', '--domain', domainId, ...args)
const ENTRY = ['--subject', 'alice', '--relation', 'project.read', '--object', 'project:p']
const append = (domainId: string, more: Record<string, string> = {}) =>
  auditWith(more, 'append', '--domain', domainId, ...ENTRY)

const pepperOf = async (domainId: string) =>
  Buffer.from(await openPepperSource(server.url(), env).pepperOf(domainId)).toString('hex')

/** Expects an error with this code and exit code, without a secret. */
function expectError(result: CliResult, exit: number, code: string): void {
  expect(result.stdout).toBe('')
  expect(JSON.parse(result.stderr)).toMatchObject({ error: { code } })
  expect(result.code).toBe(exit)
  for (const secret of [server.rootToken, server.secretId]) expect(result.stderr).not.toContain(secret)
}

/** Creates a Domain with a pepper in the vault and two rows. */
async function begun(): Promise<string> {
  const domainId = randomUUID()
  await admin.putPepper(domainId, randomBytes(32))
  const writer = new Writer(database.url, openPepperSource(server.url(), env))
  await writer.create(domainId)
  await writer.record(domainId)
  await writer.close()
  return domainId
}

describe('audit pepper provision', () => {
  it('creates a pepper for a new chain once, and the chain begins with it', async () => {
    const domainId = randomUUID()
    expectError(await audit('domain', 'create', '--domain', domainId), 3, 'pepper_unavailable')
    const [first, second] = [await provision(domainId), await provision(domainId.toUpperCase())]
    expect([first, second].map(({ code, stdout }) => [code, JSON.parse(stdout)])).toEqual([
      [0, { domain_id: domainId, created: true }],
      [0, { domain_id: domainId, created: false }],
    ])
    expect(await audit('domain', 'create', '--domain', domainId)).toMatchObject({ code: 0 })
    expect(await append(domainId)).toMatchObject({ code: 0 })
    const found = await audit('list', '--domain', domainId, '--subject-id', 'alice')
    expect(JSON.parse(found.stdout).items).toHaveLength(1)
    expect(JSON.parse((await provision(domainId)).stdout)).toEqual({ domain_id: domainId, created: false })
  })

  it('detects a changed pepper, and so does append; verify needs no pepper', async () => {
    const domainId = await begun()
    await admin.putPepper(domainId, randomBytes(32))
    const changed = await pepperOf(domainId)
    expectError(await provision(domainId), 2, 'pepper_mismatch')
    expectError(await append(domainId), 2, 'pepper_mismatch')
    expect(await pepperOf(domainId)).toBe(changed)
    expect(await audit('verify', '--domain', domainId)).toMatchObject({ code: 0 })
  })

  it('creates no new pepper for a chain whose pepper was deleted', async () => {
    const domainId = await begun()
    await admin.purge(domainId)
    expectError(await provision(domainId), 3, 'pepper_unavailable')
    await expect(pepperOf(domainId)).rejects.toMatchObject({ message: expect.stringContaining('no such') })
  })

  it.each([
    ['another pepper', 'write_undone', 'POST'],
    ['none', 'outcome_unknown', 'DELETE'],
  ])('does not say that it stored a pepper where the vault then has %s', async (_name, code, method) => {
    const domainId = randomUUID()
    const body = { data: { pepper: randomBytes(32).toString('base64') } }
    let isStored = false
    server.fault = ({ method: asked, path }) => {
      if (isStored) {
        server.store.answer(method, method === 'POST' ? 'data' : 'metadata', `audit/${domainId}`, body)
        server.fault = () => undefined
      }
      isStored ||= asked === 'POST' && path.includes('/data/')
      return undefined
    }
    expectError(await provision(domainId), 3, code)
  })

  it('imports the pepper that a chain was begun with, and no other', async () => {
    const domainId = randomUUID()
    const [key, other] = ['key', 'other'].map((name) => join(dir, name))
    for (const path of [key, other]) writeFileSync(path ?? '', randomBytes(32), { mode: 0o600 })
    const own = await testDatabase()
    const file = { AUDIT_DATABASE_URL: own.url, AUDIT_PEPPER: `file://${key}` }
    // This needs a vault of its own: the platform chain of another database has another pepper.
    const vault = { AUDIT_DATABASE_URL: own.url, AUDIT_PEPPER: server.url('moved') }
    expect(await auditWith(file, 'domain', 'create', '--domain', domainId)).toMatchObject({ code: 0 })
    const moved = (path: string | undefined) =>
      auditWith(vault, 'pepper', 'provision', '--all', '--from', `file://${path}`)
    const wrong = await moved(other)
    expect(wrong).toMatchObject({ code: 2, stdout: '' })
    expect(jsonLines(wrong.stderr)).toEqual(
      Array(2).fill({ error: expect.objectContaining({ code: 'pepper_mismatch' }) }),
    )
    const right = await moved(key)
    expect(right).toMatchObject({ code: 0, stderr: '' })
    expect(jsonLines(right.stdout)).toEqual(
      [PLATFORM_ANCHOR, domainId].map((id) => ({ domain_id: id, created: true })),
    )
    expect(await append(domainId, vault)).toMatchObject({ code: 0, stderr: '' })
    await own.drop()
  })

  it.each(['file:///etc/audit/pepper.key', 'env:CI_KEY', ''])(
    'is refused for a source that derives peppers: "%s"',
    async (source) => {
      const result = await auditWith({ AUDIT_PEPPER: source }, 'pepper', 'provision', '--platform')
      expectError(result, 2, 'usage')
    },
  )

  it.each([
    ['no token', { BAO_TOKEN: '' }, 2, 'pepper_not_configured'],
    ['a token that is refused', { BAO_TOKEN: 's.hunter2' }, 3, 'pepper_unavailable'],
    ['no CA file', { BAO_CACERT: '' }, 3, 'pepper_unavailable'],
  ])('fails with %s, and so does append', async (_what, more, exit, code) => {
    expectError(await auditWith(more, 'pepper', 'provision', '--platform'), exit, code)
    const args = ['append', '--platform', ...ENTRY]
    const result = await auditWith(more, ...args)
    expectError(result, exit, code)
    expect(result.stderr).not.toContain('hunter2')
  })
})

describe('a pepper source', () => {
  it('works with AppRole', async () => {
    const domainId = await begun()
    const role = { BAO_TOKEN: '', BAO_ROLE_ID: server.roleId, BAO_SECRET_ID: server.secretId }
    expect(await append(domainId, role)).toMatchObject({ code: 0, stderr: '' })
  })

  it('works from an environment variable', async () => {
    const own = await testDatabase()
    const ci = {
      AUDIT_DATABASE_URL: own.url,
      AUDIT_PEPPER: 'env:CI_KEY',
      CI_KEY: 'A5'.repeat(32),
      BAO_TOKEN: '',
    }
    const created = await auditWith(ci, 'domain', 'create')
    const { domain_id: domainId } = JSON.parse(created.stdout)
    expect(await append(domainId, ci)).toMatchObject({ code: 0, stderr: '' })
    const other = await append(domainId, { ...ci, CI_KEY: Buffer.alloc(32, 1).toString('base64') })
    expectError(other, 2, 'pepper_mismatch')
    const short = await append(domainId, { ...ci, CI_KEY: 'A5'.repeat(31) })
    expectError(short, 3, 'pepper_unavailable')
    expect(short.stderr).not.toContain('A5A5')
    await own.drop()
  })

  it('signs no cursors when it is a vault: AUDIT_CURSOR_KEY_FILE does', async () => {
    const domainId = await begun()
    const list = (more: Record<string, string>) =>
      auditWith(more, 'list', '--domain', domainId, '--limit', '1')
    const without = await list({})
    expectError(without, 2, 'pepper_not_configured')
    expect(JSON.parse(without.stderr).error.hint).toContain('AUDIT_CURSOR_KEY_FILE')
    const key = join(dir, 'cursor.key')
    writeFileSync(key, randomBytes(32), { mode: 0o600 })
    const page = await list({ AUDIT_CURSOR_KEY_FILE: key })
    expect(JSON.parse(page.stdout)).toMatchObject({ next_cursor: expect.any(String) })
  })
})

describe('a pepper source that does not work', () => {
  const BROKEN = { AUDIT_PEPPER: 'openbao://127.0.0.1:1/secret/audit', BAO_TOKEN: '', BAO_CACERT: '/no/such' }

  it('stops no command that needs no pseudonym', async () => {
    const domainId = await begun()
    const own = ['--domain', domainId]
    const mirrored = await audit('archive', 'backfill', '--all', '--init-mirror')
    expect(mirrored).toMatchObject({ code: 0 })
    const commands = [
      ['verify', '--all'],
      ['verify', ...own, '--source', 'mirror'],
      ['verify', ...own, '--source', 'both'],
      ['list', ...own],
      ['list', ...own, '--all'],
      ['get', ...own, '--seq', '2'],
      ['domain', 'list'],
      ['quarantine', 'list', '--all'],
      ['archive', 'status', ...own],
      ['archive', 'backfill', ...own],
      ['archiver', '--once'],
    ]
    const results: unknown[] = []
    for (const command of commands) {
      const { code, stderr } = await auditWith(BROKEN, ...command)
      results.push({ command, code, asksForPepper: /pepper/.test(stderr) })
    }
    expect(results).toEqual(commands.map((command) => ({ command, code: 0, asksForPepper: false })))
  })
})
