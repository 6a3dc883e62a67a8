import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Policy, parsePolicy } from '../../src/chain/note/policy.js'
import { vkeyText } from '../../src/chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { insertDomain } from '../support/chain-rows.js'
import { runCli } from '../support/cli.js'
import { PLATFORM } from '../support/log-signer.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { SignedLog } from '../support/signed-log.js'

const DOMAIN = randomUUID()
const STRANGER = randomUUID()
const UNCOMPARED = '# from the log itself: compare this key with its operator before you trust it\n'

let dir = ''
let database: TestDatabase
let log: SignedLog
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'audit-policy-'))
  database = await testDatabase()
  await insertDomain(database.url, PLATFORM_ANCHOR, [{}, {}])
  await insertDomain(database.url, DOMAIN, [{}, {}, {}])
  log = await SignedLog.open({ url: database.url })
  await writeFile(join(dir, 'log.key'), log.signer.seed, { mode: 0o600 })
  await writeFile(join(dir, 'wide.key'), log.signer.seed, { mode: 0o644 })
  await writeFile(join(dir, 'other.key'), new Uint8Array(32), { mode: 0o600 })
  for (const home of ['empty', 'keyed', 'damaged']) await mkdir(join(dir, home))
  log.writeHomeKey(join(dir, 'keyed'))
  await writeFile(join(dir, 'damaged', 'log.vkey'), 'damaged')
  await log.enrol([DOMAIN])
})
afterAll(async () => {
  await log.close()
  await database.drop()
  await rm(dir, { recursive: true, force: true })
})

/** `@NAME` becomes the URL of a file of this test. */
const key = (name: string) => ['--log-key', `@${name}`]
const withUrls = (args: readonly string[]) =>
  args.map((arg) => (arg.startsWith('@') ? pathToFileURL(join(dir, arg.slice(1))).href : arg))
const NAME = ['--log-name', 'audit.example.com/tlog']

async function policy(home: string, ...args: string[]) {
  const env = { AUDIT_DATABASE_URL: database.url, AUDIT_HOME: join(dir, home) }
  const result = await runCli(['log', 'policy', ...withUrls(args)], { env })
  return { ...result, read: parsePolicy(Buffer.from(result.stdout)) }
}

const vkeyOf = (domainId: string) => vkeyText(log.signer.keyOf({ ...PLATFORM, domainId }).key)

describe('audit log policy', () => {
  it.each([
    ['the key file', 'empty', [...key('log.key'), ...NAME]],
    ['log.vkey of the home', 'keyed', []],
  ])('prints a policy that verify-proof takes, from %s', async (_name, home, args) => {
    for (const [chain, domain] of [
      [PLATFORM_ANCHOR, []],
      [DOMAIN, ['--domain', DOMAIN]],
    ] as const) {
      const { code, stdout, stderr, read } = await policy(home, ...args, ...domain)
      expect([code, stdout, stderr]).toEqual([0, `log ${vkeyOf(chain)}\nquorum none\n`, ''])
      expect((read as Policy).logs.map(({ name }) => name)).toEqual([
        log.signer.originOf({ ...PLATFORM, domainId: chain }),
      ])
    }
  })

  it('begins with a line that verify-proof refuses where it has only rows', async () => {
    const { code, stdout, read } = await policy('empty')
    expect([code, stdout]).toEqual([0, `${UNCOMPARED}log ${vkeyOf(PLATFORM_ANCHOR)}\nquorum none\n`])
    expect(read).toMatchObject({ line: 1 })
    const domain = await policy('empty', '--domain', DOMAIN)
    expect(domain.stdout).toBe(`${UNCOMPARED}log ${vkeyOf(DOMAIN)}\nquorum none\n`)
  })

  it.each([
    ['key', 'empty', [...key('log.key'), ...NAME]],
    ['home', 'keyed', []],
    ['log', 'empty', []],
  ])('says in JSON that the key is from %s', async (by, home, args) => {
    const { stdout } = await policy(home, '--json', ...args)
    const { key: platform } = log.signer.platform
    const text = `log ${log.vkey}\nquorum none\n`
    expect(JSON.parse(stdout)).toEqual({
      origin: platform.name,
      vkey: log.vkey,
      key_id: platform.id,
      by,
      policy: by === 'log' ? `${UNCOMPARED}${text}` : text,
    })
  })

  it.each([
    ['a Domain without a key', 'empty', ['--domain', STRANGER], 3, 'log_key_unavailable'],
    ['a Domain without a key, by log.vkey', 'keyed', ['--domain', STRANGER], 3, 'log_key_unavailable'],
    ['a damaged log.vkey', 'damaged', [], 3, 'log_key_unavailable'],
    ['a missing key file', 'empty', [...key('absent'), ...NAME], 3, 'log_key_unavailable'],
    ['a key file that others can read', 'empty', [...key('wide.key'), ...NAME], 3, 'log_key_unavailable'],
    ['another key than that of log.vkey', 'keyed', [...key('other.key'), ...NAME], 2, 'key_mismatch'],
    ['a key that no row names, beside another', 'empty', [...key('other.key'), ...NAME], 2, 'key_mismatch'],
    [
      'another name than the signed one',
      'empty',
      [...key('log.key'), '--log-name', 'other'],
      2,
      'log_name_conflict',
    ],
    ['a key without a name', 'empty', key('log.key'), 2, 'usage'],
    ['a text that is no name', 'empty', [...key('log.key'), '--log-name', 'Log'], 2, 'usage'],
    ['a key that is no URL', 'empty', ['--log-key', 'log.key'], 2, 'usage'],
    ['a text that is no UUID', 'keyed', ['--domain', 'x'], 2, 'invalid_domain_id'],
  ])('is refused for %s', async (_name, home, args, code, error) => {
    const result = await policy(home, '--json', ...args)
    expect([result.code, result.stdout]).toEqual([code, ''])
    expect(JSON.parse(result.stderr)).toMatchObject({ error: { code: error } })
  })

  it('creates nothing', async () => {
    expect(await readdir(join(dir, 'empty'))).toEqual([])
    expect(await readdir(join(dir, 'keyed'))).toEqual(['log.vkey'])
    const home = join(dir, 'absent-home')
    const { code } = await runCli(['log', 'policy'], { env: { AUDIT_HOME: home } })
    expect([code, existsSync(home)]).toEqual([3, false])
  })
})
