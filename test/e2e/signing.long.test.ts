import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/chain/note/policy.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { finished, jsonLines, runCli, spawnCli } from '../support/cli.js'
import { asSuperuser, rowsOf, testDatabase } from '../support/postgres.js'
import { KEY_FILE, LOG_NAME, SigningFixture } from '../support/signing-fixture.js'

let log: SigningFixture
beforeAll(async () => {
  log = await SigningFixture.make()
  await writeFile(at('log.key'), KEY_FILE, { mode: 0o600 })
  await writeFile(at('other.key'), new Uint8Array(32).fill(9), { mode: 0o600 })
  await writeFile(at('wide.key'), KEY_FILE)
  await chmod(at('wide.key'), 0o644)
})
afterAll(() => log.drop())

const at = (...names: string[]) => join(log.log.dir, ...names)
const url = (name: string) => pathToFileURL(at(name)).href

type Env = Readonly<Record<string, string>>

const envOf = (more: Env = {}): Env => ({
  AUDIT_DATABASE_URL: log.url,
  AUDIT_MIRROR_URL: log.log.mirrorUrl,
  AUDIT_HOME: at('home'),
  AUDIT_LOG_KEY: url('log.key'),
  AUDIT_LOG_NAME: LOG_NAME,
  ...more,
})

const audit = (args: readonly string[], more?: Env) => runCli(args, { env: envOf(more) })
const once = (more?: Env) => audit(['archiver', '--once', '--json'], more)

interface Line {
  readonly domain_id?: string
  readonly archived?: number
  readonly signed_through?: number
  readonly not_signed_reason?: string
  readonly summary?: Readonly<Record<string, number>>
}
const linesOf = (stdout: string) => jsonLines(stdout) as Line[]
const summaryOf = (stdout: string) => linesOf(stdout).at(-1)?.summary

async function unarchived(): Promise<number> {
  const sql = 'SELECT count(*)::int AS rows FROM audit_log_entry_archived WHERE archived_at IS NULL'
  return Number((await rowsOf(log.url, sql))[0]?.rows)
}

/** The tests of this block build on each other: it is the life of one log with an external database. */
describe('a log with an external database', () => {
  let domain = ''

  it('has nothing to sign before its platform chain', async () => {
    for (const args of [
      ['log', 'init'],
      ['checkpoint', 'create', '--all'],
      ['checkpoint', 'create', '--platform'],
    ]) {
      const { code, stderr } = await audit([...args, '--json'])
      expect([args, code, JSON.parse(stderr).error.code]).toEqual([args, 4, 'nothing_to_sign'])
    }
    expect(await once()).toMatchObject({ code: 0, stderr: '' })
  })

  it('is archived and not signed before log init', async () => {
    domain = await log.domain(4)
    const { code, stdout, stderr } = await once()
    expect(code).toBe(0)
    expect(stderr).toContain(
      'not_initialised: no row of the platform chain names a key of this log\n  run: audit log init\n',
    )
    expect(linesOf(stdout)).toContainEqual({ domain_id: domain, archived: 4, held: 0, failed: 0 })
    expect(summaryOf(stdout)).toMatchObject({ archived: 6, signed: 0, not_signed: 1 })
    expect([await unarchived(), existsSync(at('home', 'log.vkey'))]).toEqual([0, false])
  })

  it('begins with log init, which prints a policy and can be run again', async () => {
    const first = await audit(['log', 'init'])
    expect([first.code, parsePolicy(Buffer.from(first.stdout))]).toMatchObject([
      0,
      { logs: [{ name: `${LOG_NAME}/${PLATFORM_ANCHOR}` }] },
    ])
    expect(first.stderr).toContain(`${domain}  signed through row 4, 4 new\n`)
    const vkey = await readFile(at('home', 'log.vkey'), 'utf8')
    expect(first.stdout).toBe(`log ${vkey}quorum none\n`)
    const rows = await log.signedRows('audit.log-key')
    const again = await audit(['log', 'init'])
    expect(again).toMatchObject({ code: 0, stdout: first.stdout, stderr: '' })
    expect(await log.signedRows('audit.log-key')).toEqual(rows)
  })

  it('is signed by archiver --once, which leaves no row behind, and a second one finds nothing to do', async () => {
    await log.append(domain, 3)
    const { code, stdout, stderr } = await once()
    expect([code, stderr]).toEqual([0, ''])
    expect(linesOf(stdout)).toEqual(
      expect.arrayContaining([
        { domain_id: domain, archived: 3, held: 0, failed: 0 },
        { domain_id: domain, signed_through: 7, rows_signed: 3 },
      ]),
    )
    expect(await unarchived()).toBe(0)
    const again = await once()
    expect([again.code, linesOf(again.stdout)]).toEqual([
      0,
      [{ summary: { chains: 0, archived: 0, held: 0, failed: 0, signed: 0, not_signed: 0 } }],
    ])
    expect(await audit(['archiver', '--once'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'nothing to archive\n',
    })
  })

  it('has the same JSON as before without a key', async () => {
    await log.append(domain, 1)
    const { code, stdout, stderr } = await once({ AUDIT_LOG_KEY: 'none' })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(
      `{"domain_id":"${domain}","archived":1,"held":0,"failed":0}\n{"summary":{"chains":1,"archived":1,"held":0,"failed":0}}\n`,
    )
  })

  it.each<[string, Env, number, string]>([
    ['a key without a name', { AUDIT_LOG_NAME: '' }, 2, 'usage'],
    ['a key that is no URL', { AUDIT_LOG_KEY: '/log.key' }, 2, 'usage'],
    ['another key', { AUDIT_LOG_KEY: '@other.key' }, 2, 'key_mismatch'],
    ['another name', { AUDIT_LOG_NAME: 'other' }, 2, 'log_name_conflict'],
    ['a key file that others can read', { AUDIT_LOG_KEY: '@wide.key' }, 3, 'log_key_unavailable'],
    ['a key file that is missing', { AUDIT_LOG_KEY: '@absent.key' }, 3, 'log_key_unavailable'],
  ])(
    'ends with the code of its setting for %s, and archives where it could begin',
    async (_name, more, code, error) => {
      await log.append(domain, 1)
      const given = Object.entries(more).map(([name, text]) => [
        name,
        text.startsWith('@') ? url(text.slice(1)) : text,
      ])
      const result = await once(Object.fromEntries(given))
      expect(result.code).toBe(code)
      expect(result.stderr).toContain(`{"error":{"code":"${error}"`)
      expect(await unarchived()).toBe(error === 'usage' ? 1 : 0)
      expect((await once()).code).toBe(0)
    },
  )

  it('is not signed by a login without audit_signer, and is by one with it', async () => {
    const login = `signer_${randomUUID().slice(0, 8)}`
    await rowsOf(log.url, `CREATE ROLE ${login} LOGIN IN ROLE audit_archiver`)
    const asLogin = { AUDIT_DATABASE_URL: log.url.replace(/\/\/[^@/]*@?/, `//${login}@`) }
    try {
      await log.append(domain, 1)
      const without = await once(asLogin)
      expect(without.code).toBe(3)
      expect(without.stderr).toContain('"code":"database_permission_denied"')
      expect(await unarchived()).toBe(0)
      await rowsOf(log.url, `GRANT audit_signer TO ${login}`)
      const { code, stdout, stderr } = await once(asLogin)
      expect([code, stderr]).toEqual([0, ''])
      expect(summaryOf(stdout)).toMatchObject({ signed: 2, not_signed: 0 })
      expect(await unarchived()).toBe(0)
    } finally {
      await rowsOf(log.url, `DROP OWNED BY ${login}`)
      await rowsOf(log.url, `DROP ROLE ${login}`)
    }
  })

  it('is neither enrolled nor signed while its mirror is down, and is afterwards', async () => {
    await log.append(domain, 1)
    const created = await log.domain(2)
    const named = await log.signedRows('audit.log-key')
    const down = await once({ AUDIT_MIRROR_URL: url('absent') })
    expect(down.code).toBe(3)
    expect(down.stderr).toContain('"code":"mirror_unavailable"')
    expect(await log.signedRows('audit.log-key')).toEqual(named)
    expect(summaryOf((await once()).stdout)).toMatchObject({ signed: 3, not_signed: 0 })
    expect((await log.indexed(created)).at(-1)?.size).toBe(2)
  })

  it.each([
    ['one home', ['home', 'home']],
    ['a home each', ['home', 'home-2']],
  ])('is signed by two archivers at once, with %s', async (_name, homes) => {
    const others = await Promise.all([log.domain(3), log.domain(3)])
    await log.append(domain, 2)
    const runs = await Promise.all(homes.map((home) => once({ AUDIT_HOME: at(home) })))
    expect(runs.map(({ code }) => code)).toEqual([0, 0])
    await once()
    for (const id of [domain, ...others]) {
      const [last] = (await log.indexed(id)).slice(-1)
      const [count] = await rowsOf(
        log.url,
        'SELECT count(*)::int AS rows FROM audit_log_entry WHERE domain_id = $1',
        [id],
      )
      expect(last?.size).toBe(count?.rows)
    }
    for (const home of homes) {
      const { stdout } = await once({ AUDIT_HOME: at(home) })
      expect(summaryOf(stdout)).toMatchObject({ archived: 0, signed: 0, not_signed: 0 })
    }
    expect((await audit(['verify', '--all', '--source', 'both'])).code).toBe(0)
  })

  it('has no stray object, and none to upload again, because of its signed heads', async () => {
    expect((await audit(['verify', '--all', '--source', 'mirror'])).code).toBe(0)
    const status = await audit(['archive', 'status', '--all', '--json'])
    expect([status.code, status.stdout.includes('stray'), status.stderr]).toEqual([0, false, ''])
    const backfill = await audit(['archive', 'backfill', '--all', '--dry-run', '--json'])
    expect([backfill.code, backfill.stdout.includes('stray')]).toEqual([0, false])
    for (const line of jsonLines(backfill.stdout)) expect(line).toMatchObject({ missing: 0 })
  })

  it('is not archived to a place that has only signed heads', async () => {
    await log.append(domain, 1)
    const rows = join(new URL(log.log.mirrorUrl).pathname, 'audit')
    await rename(rows, at('moved'))
    const { code, stderr } = await once()
    expect([code, stderr.includes('"code":"mirror_unmarked"'), existsSync(rows)]).toEqual([3, true, false])
    await rename(at('moved'), rows)
    expect((await once()).code).toBe(0)
  })

  it('is signed by the service each interval until SIGTERM, and never with the interval 0', async () => {
    for (const [interval, isSigned] of [
      ['0.05', true],
      ['0', false],
    ] as const) {
      await log.append(domain, 1)
      const size = (await log.indexed(domain)).at(-1)?.size
      const args = ['archiver', '--poll-interval', '0.05', '--checkpoint-interval', interval, '--json']
      const child = await spawnCli(args, { env: envOf() })
      const ended = finished(child)
      const deadline = Date.now() + 20_000
      while ((await unarchived()) > 0 && Date.now() < deadline) await sleep(20)
      if (isSigned)
        while ((await log.indexed(domain)).at(-1)?.size === size && Date.now() < deadline) await sleep(20)
      else await sleep(300)
      child.kill('SIGTERM')
      expect(await ended).toMatchObject({ code: 143, stderr: '' })
      expect((await log.indexed(domain)).at(-1)?.size === size).toBe(!isSigned)
    }
    expect((await once()).code).toBe(0)
  })

  it('signs on after held rows that were signed over, and keeps the finding', async () => {
    await log.append(domain, 4)
    const [newest] = await rowsOf(
      log.url,
      'SELECT max(seq)::int AS last FROM audit_log_entry WHERE domain_id = $1',
      [domain],
    )
    const last = Number(newest?.last)
    const bad = last - 2
    await asSuperuser(
      log.url,
      `UPDATE audit_log_entry SET reason = 2 WHERE domain_id = '${domain}' AND seq = ${bad}`,
    )
    const held = await once()
    expect([held.code, linesOf(held.stdout).find(({ not_signed_reason: reason }) => reason)]).toMatchObject([
      1,
      { domain_id: domain, not_signed_reason: 'rows_held' },
    ])
    const create = ['checkpoint', 'create', '--domain', domain]
    expect((await audit(create)).code).toBe(1)
    const over = [...create, '--over-findings', '--reason', 'rows_damaged']
    for (const args of [
      over,
      [...create, '--over-findings', '--confirm'],
      [...create, '--over-findings', '--reason', 'other', '--confirm'],
      [...create, '--reason', 'rows_damaged'],
      [...create, '--confirm'],
      ['checkpoint', 'create', '--all', '--over-findings', '--reason', 'rows_damaged', '--confirm'],
      ['checkpoint', 'create'],
    ])
      expect([args, (await audit(args)).code]).toEqual([args, 2])
    expect(await log.signedRows('audit.signed-over')).toEqual([])
    const { code, stdout } = await audit([...over, '--confirm', '--json'])
    expect(code).toBe(0)
    expect(linesOf(stdout)[0]).toMatchObject({ domain_id: domain, reason: 'rows_damaged' })
    const [row] = await log.signedRows('audit.signed-over')
    expect(row?.items.slice(0, 3)).toEqual([
      `chain:${domain}:1`,
      `rows:${bad - 1}-${bad}`,
      'reason:rows_damaged',
    ])
    expect((await log.indexed(domain)).at(-1)?.size).toBe(last)
    await log.append(domain, 1)
    const after = await once()
    expect(after.code).toBe(1)
    expect(linesOf(after.stdout)).toContainEqual({
      domain_id: domain,
      signed_through: last + 1,
      rows_signed: 1,
    })
    expect((await audit(['verify', '--domain', domain, '--source', 'both'])).code).toBe(1)
  })
})

describe('a home', () => {
  it('signs from its first archiver on, and reads create neither file', async () => {
    const home = at('embedded')
    const run = (args: readonly string[]) => runCli(args, { env: { AUDIT_HOME: home } })
    const has = () =>
      ['log.key', 'log.vkey', 'signer', 'mirror/tlog'].map((name) => existsSync(join(home, name)))
    try {
      expect((await run(['domain', 'create', '--name', 'demo'])).code).toBe(0)
      for (const args of [
        ['verify', '--all'],
        ['list', '--platform'],
        ['log', 'policy'],
        ['archive', 'status', '--all'],
        ['domain', 'list'],
      ]) {
        await run(args)
        expect([args, has()]).toEqual([args, [false, false, false, false]])
      }
      expect((await run(['archiver', '--once', '--log-key', 'none'])).code).toBe(0)
      expect(has()).toEqual([false, false, false, false])
      const first = await run(['archiver', '--once'])
      expect([first.code, has()]).toEqual([0, [true, true, true, true]])
      expect(first.stdout).toContain('platform chain  signed through row 4, 4 new\n')
      expect(await run(['archiver', '--once'])).toMatchObject({
        code: 0,
        stdout: '',
        stderr: 'nothing to archive\n',
      })
      expect((await run(['verify', '--all', '--source', 'both'])).code).toBe(0)
      await rm(join(home, 'log.key'))
      expect(await run(['archiver', '--once'])).toMatchObject({
        code: 0,
        stderr: 'not signing: log.key is missing\nnothing to archive\n',
      })
      expect((await run(['checkpoint', 'create', '--all'])).code).toBe(3)
      expect((await run(['log', 'policy'])).code).toBe(0)
      expect(existsSync(join(home, 'log.key'))).toBe(false)
    } finally {
      await run(['db', 'stop'])
    }
  })
})

describe('settings', () => {
  it('are refused before a database is opened', async () => {
    const database = await testDatabase({ migrated: false })
    await database.drop()
    const { code, stderr } = await audit(['archiver', '--once', '--json'], {
      AUDIT_DATABASE_URL: database.url,
      AUDIT_LOG_NAME: '',
    })
    expect([code, JSON.parse(stderr).error]).toMatchObject([
      2,
      { code: 'usage', hint: expect.stringContaining('--log-name') },
    ])
  })
})

describe('a log whose platform chain has a finding', () => {
  it('begins on request only, pins and prints no key before, and names the rows first', async () => {
    const other = await SigningFixture.make()
    const home = join(other.log.dir, 'home')
    const vkey = join(home, 'log.vkey')
    const more = { AUDIT_DATABASE_URL: other.url, AUDIT_MIRROR_URL: other.log.mirrorUrl, AUDIT_HOME: home }
    const domainId = await other.domain(2)
    await other.signer().archiver.once()
    await asSuperuser(
      other.url,
      `UPDATE audit_log_entry SET object = 'x:forged' WHERE domain_id = '${PLATFORM_ANCHOR}' AND seq = 1`,
    )
    for (const args of [
      ['log', 'init'],
      ['log', 'init', '--confirm'],
    ]) {
      const { code, stdout } = await audit(args, more)
      expect([args, code, stdout, existsSync(vkey)]).toEqual([args, 1, '', false])
    }
    const over = ['checkpoint', 'create', '--platform', '--over-findings', '--reason', 'rows_damaged']
    const planned = await audit(over, more)
    expect([planned.code, existsSync(vkey)]).toEqual([2, false])
    expect(planned.stderr).toContain(`in the way of the signer in chain ${PLATFORM_ANCHOR}: row 1\n`)
    expect(await audit([...over, '--confirm'], more)).toMatchObject({ code: 0 })
    expect(existsSync(vkey)).toBe(true)
    const { stdout } = await audit(['archiver', '--once', '--json'], more)
    expect(linesOf(stdout)).toContainEqual(
      expect.objectContaining({ domain_id: domainId, signed_through: 2 }),
    )
    await other.drop()
  })
})
