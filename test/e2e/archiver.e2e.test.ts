import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { testPepper, Writer } from '../support/append-chains.js'
import { ArchiveFixture } from '../support/archive-fixture.js'
import { unstampSql } from '../support/archive-stamps.js'
import { finished, jsonLines, runCli, spawnCli } from '../support/cli.js'
import { asSuperuser, rowsOf } from '../support/postgres.js'
import { SignedLog } from '../support/signed-log.js'

let fixture: ArchiveFixture

beforeEach(async () => {
  fixture = await ArchiveFixture.make()
})
afterEach(() => fixture.drop())

function env(mirrorUrl = fixture.mirrorUrl) {
  return {
    AUDIT_DATABASE_URL: fixture.url,
    AUDIT_MIRROR_URL: mirrorUrl,
    AUDIT_HOME: join(fixture.dir, 'home'),
  }
}

const audit = (...args: string[]) => runCli(args, { env: env() })

/** Returns the chain's objects, and the drafts that a killed archiver left half written. */
async function filesOf(domainId: string) {
  const names = await fixture.objects(domainId)
  return {
    objects: names.filter((name) => !name.startsWith('.')),
    drafts: names.filter((name) => name.startsWith('.')),
  }
}

async function stampedOf(rows: readonly ChainedEntry[]): Promise<number> {
  return rows.length - (await fixture.unstamped(rows[0]?.domainId ?? '')).length
}

describe('audit archiver --once', () => {
  it('ends with 0 when every row is archived, and both copies verify', async () => {
    const rows = await fixture.chain(700)
    const once = await audit('archiver', '--once', '--json')
    expect(once).toMatchObject({ code: 0, stderr: '' })
    expect(jsonLines(once.stdout)).toEqual([
      { domain_id: rows[0]?.domainId, archived: 700, held: 0, failed: 0 },
      { summary: { chains: 1, archived: 700, held: 0, failed: 0 } },
    ])
    expect(await fixture.problems(rows)).toEqual([])
    const again = await audit('archiver', '--once', '--json')
    expect(jsonLines(again.stdout)).toEqual([{ summary: { chains: 0, archived: 0, held: 0, failed: 0 } }])
    const both = await audit('verify', '--domain', rows[0]?.domainId ?? '', '--source', 'both', '--json')
    expect(both.code).toBe(0)
  })

  it('ends with 1 and prints a finding for the rows it held back', async () => {
    const rows = await fixture.chain(10)
    const domainId = rows[0]?.domainId ?? ''
    await asSuperuser(
      fixture.url,
      `UPDATE audit_log_entry SET reason = 2 WHERE domain_id = '${domainId}' AND seq = 4`,
    )
    const once = await audit('archiver', '--once')
    expect(once.code).toBe(1)
    expect(once.stdout).toBe(`${domainId}  6 archived, 4 held back\n`)
    expect(once.stderr).toMatch(
      new RegExp(`^FINDING {2}${domainId} {2}entry_hash_mismatch {2}row 4 of postgres: .+\n$`),
    )
    const listed = await audit('quarantine', 'list', '--all', '--json')
    expect(jsonLines(listed.stdout)).toMatchObject([
      { code: 'entry_hash_mismatch', source: 'postgres', seq_from: 4 },
    ])
    expect((await audit('archiver', '--once', '--json')).code).toBe(1)
  })

  it('ends with 3 when the mirror cannot be written', async () => {
    const rows = await fixture.chain(10)
    await writeFile(join(fixture.dir, 'file'), '')
    const { code, stdout, stderr } = await runCli(['archiver', '--once', '--json'], {
      env: env(`${pathToFileURL(fixture.dir).href}/file/mirror`),
    })
    expect(code).toBe(3)
    expect(jsonLines(stdout).at(-1)).toEqual({ summary: { chains: 1, archived: 0, held: 0, failed: 0 } })
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'mirror_unavailable' } })
    expect(await stampedOf(rows)).toBe(0)
  })

  it.each([
    ['no mirror for an external database', ['--once'], { AUDIT_DATABASE_URL: 'postgresql://localhost/x' }],
    ['a mirror URL of an unknown scheme', ['--once', '--mirror', 'ftp://x'], {}],
    ['a concurrency of 0', ['--once', '--mirror', 'file:///x', '--concurrency', '0'], {}],
    ['an interval without a number', ['--mirror', 'file:///x', '--poll-interval', 'soon'], {}],
  ])('ends with 2 for %s', async (_name, args, extra) => {
    const { code, stderr } = await runCli(['archiver', '--json', ...args], { env: extra })
    expect({ code, error: JSON.parse(stderr) }).toMatchObject({
      code: 2,
      error: { error: { code: 'usage' } },
    })
  })
})

describe('a disk that is full', () => {
  const canMount = spawnSync('mount', ['--version']).status === 0 && process.getuid?.() === 0

  it.skipIf(!canMount)('ends with 3, and archives the rest once there is room', async (context) => {
    const rows = await fixture.chain(900)
    const mirror = join(fixture.dir, 'full')
    await mkdir(mirror)
    const archive = (...flags: string[]) =>
      runCli(['archiver', '--once', ...flags], { env: env(pathToFileURL(mirror).href) })
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mirror])
    if (mounted.status !== 0) return context.skip()
    try {
      const full = await archive('--init-mirror', '--json')
      expect(full.code).toBe(3)
      expect(full.stderr).toMatch(/^began the mirror .*\n\{"error":\{"code":"mirror_unavailable"/)
      const objects = await fixture.objects(rows[0]?.domainId ?? '', pathToFileURL(mirror).href)
      expect(objects.length).toBeGreaterThan(0)
      // Rows are stamped in order, up to the first one without room.
      expect(await stampedOf(rows)).toBeLessThanOrEqual(objects.length)
      expect(spawnSync('mount', ['-o', 'remount,size=20m', mirror]).status).toBe(0)
      expect((await archive()).code).toBe(0)
      expect(await stampedOf(rows)).toBe(900)
      expect(await fixture.objects(rows[0]?.domainId ?? '', pathToFileURL(mirror).href)).toHaveLength(900)
    } finally {
      spawnSync('umount', [mirror])
    }
  })
})

describe('audit archiver', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)(
    'ends on %s with %i, and has stamped what it uploaded as far as the rows follow each other',
    async (signal, code) => {
      const rows = await fixture.chain(4000)
      const child = await spawnCli(['archiver', '--poll-interval', '0.05', '--json'], { env: env() })
      const ended = finished(child)
      while ((await stampedOf(rows)) === 0) await sleep(5)
      child.kill(signal)
      expect(await ended).toMatchObject({ code, signal: null, stderr: '' })
      const stamped = await stampedOf(rows)
      expect(stamped).toBeLessThan(4000)
      const { objects, drafts } = await filesOf(rows[0]?.domainId ?? '')
      expect(objects.length).toBeGreaterThanOrEqual(stamped)
      expect(drafts).toEqual([])
      expect((await audit('archiver', '--once')).code).toBe(0)
      expect(await fixture.problems(rows)).toEqual([])
    },
  )

  it('archives what is appended while it runs, and ends with 143 while it is idle', async () => {
    const child = await spawnCli(['archiver', '--poll-interval', '0.05', '--json'], { env: env() })
    const ended = finished(child)
    const chains = [await fixture.chain(20), await fixture.chain(30)]
    for (const rows of chains) while ((await stampedOf(rows)) < rows.length) await sleep(20)
    await sleep(200)
    child.kill('SIGTERM')
    const { code, stdout } = await ended
    expect(code).toBe(143)
    const archived = (jsonLines(stdout) as { archived: number }[]).reduce(
      (sum, line) => sum + line.archived,
      0,
    )
    expect(archived).toBe(50)
    for (const rows of chains) expect(await fixture.problems(rows)).toEqual([])
  })
})

describe('audit archive', () => {
  it('lists missing objects and changes nothing with backfill --dry-run, and uploads them with backfill', async () => {
    const rows = await fixture.chain(30)
    const domainId = rows[0]?.domainId ?? ''
    await audit('archiver', '--once')
    for (const seq of [3, 4, 9]) await unlink(fixture.pathOf(domainId, seq))
    const before = [
      await fixture.stamps(domainId),
      await fixture.objects(domainId),
      await fixture.quarantine(),
    ]
    const dry = await audit('archive', 'backfill', '--domain', domainId, '--dry-run', '--json')
    expect(dry.code).toBe(1)
    expect(jsonLines(dry.stdout)).toMatchObject([
      { domain_id: domainId, dry_run: true, rows: 30, missing: 3, lost: 3, uploaded: 0, stamped: 0 },
    ])
    expect([
      await fixture.stamps(domainId),
      await fixture.objects(domainId),
      await fixture.quarantine(),
    ]).toEqual(before)
    const done = await audit('archive', 'backfill', '--domain', domainId, '--json')
    expect(done.code).toBe(1)
    expect(jsonLines(done.stdout)).toMatchObject([{ missing: 3, lost: 3, uploaded: 3, stamped: 0, held: 0 }])
    expect(await fixture.stamps(domainId)).toEqual(before[0])
    expect(await fixture.problems(rows)).toEqual([])
    expect((await audit('archive', 'backfill', '--all')).code).toBe(0)
  })

  it('prints lag, gaps and orphans with status, and ends with 1 when there are any', async () => {
    const rows = await fixture.chain(30)
    const domainId = rows[0]?.domainId ?? ''
    const fresh = await audit('archive', 'status', '--domain', domainId, '--json')
    expect(fresh.code).toBe(0)
    expect(jsonLines(fresh.stdout)).toMatchObject([{ rows: 30, archived: 0, lag_rows: 30, objects: 0 }])
    await audit('archiver', '--once')
    await unlink(fixture.pathOf(domainId, 8))
    await fixture.putObject(domainId, 99, Buffer.from('x'))
    const status = await audit('archive', 'status', '--domain', domainId, '--json')
    expect(status.code).toBe(1)
    expect(jsonLines(status.stdout)).toEqual([
      {
        domain_id: domainId,
        mirror: fixture.mirrorUrl,
        marker: 'present',
        rows: 30,
        archived: 30,
        lag_rows: 0,
        lag_seconds: 0,
        objects: 30,
        unstamped_objects: 0,
        gaps: { count: 1, first_seqs: [8] },
        orphan_objects: { count: 1, first_keys: [`audit/${domainId}/00000000000000000099.json.zst`] },
      },
    ])
    const text = await audit('archive', 'status', '--all')
    expect(text.code).toBe(1)
    expect(text.stdout).toMatch(/^chain +rows +archived +lag +seconds +objects +gaps +orphans\n/)
    expect(text.stderr).toContain('archived rows without an object: 8')
  })

  it('prints how far a signed chain is signed, and why not further; a log without signatures has no such key', async () => {
    const [rows, held] = [await fixture.chain(4), await fixture.chain(6)]
    const [domainId, heldId] = [rows, held].map(([row]) => row?.domainId ?? '') as [string, string]
    await audit('archiver', '--once')
    const before = jsonLines((await audit('archive', 'status', '--domain', domainId, '--json')).stdout)
    expect(Object.keys(before[0] ?? {})).not.toContain('signed_through')
    const log = await SignedLog.open({ url: fixture.url })
    await log.sign({ domainIds: [domainId, heldId], sizes: { [heldId]: 3 }, row: false, keep: false })
    await log.close()
    await asSuperuser(fixture.url, unstampSql(`domain_id = '${heldId}' AND seq = 4`))
    const status = async (...words: string[]) =>
      jsonLines((await audit('archive', 'status', ...words, '--json')).stdout)
    expect(await status('--domain', domainId)).toEqual([
      { ...(before[0] as object), signed_through: 4, signed_age_seconds: expect.any(Number) },
    ])
    expect(await status('--domain', heldId)).toMatchObject([
      { signed_through: 3, not_signed_reason: 'rows_held' },
    ])
    const text = await audit('archive', 'status', '--all')
    expect(text.stdout).toMatch(/^chain +rows +archived +lag +seconds +objects +gaps +orphans +signed\n/)
    expect(text.stderr).toContain(`${heldId}  not signed: rows_held`)
    const role = `only_archives_${process.pid}`
    await rowsOf(fixture.url, `CREATE ROLE ${role} LOGIN IN ROLE audit_archiver`)
    const url = fixture.url.replace('postgres@', `${role}@`)
    expect(await status('--domain', domainId, '--database-url', url)).toEqual(before)
    await rowsOf(fixture.url, `DROP ROLE ${role}`)
  })

  it.each([
    { roles: 'audit_archiver, audit_signer', code: 0, signed: 3 },
    { roles: 'audit_archiver', code: 3, signed: undefined },
  ])('signs under a login with $roles: exit $code', async ({ roles, code, signed }) => {
    const writer = new Writer(fixture.url, testPepper())
    const domainId = await writer.create()
    await Promise.all([1, 2].map(() => writer.record(domainId)))
    await writer.close()
    const log = await SignedLog.open({ url: fixture.url })
    await log.enrol()
    await log.close()
    const key = join(fixture.dir, 'log.key')
    await writeFile(key, Buffer.alloc(32, 7), { mode: 0o600 })
    const role = `signs_${randomBytes(4).toString('hex')}`
    await rowsOf(fixture.url, `CREATE ROLE ${role} LOGIN IN ROLE ${roles}`)
    const more = { AUDIT_LOG_KEY: pathToFileURL(key).href, AUDIT_LOG_NAME: 'audit.example.com/tlog' }
    const url = fixture.url.replace('postgres@', `${role}@`)
    const once = await runCli(['archiver', '--once', '--database-url', url], { env: { ...env(), ...more } })
    expect([once.code, once.stderr]).toEqual([code, expect.any(String)])
    const [status] = jsonLines((await audit('archive', 'status', '--domain', domainId, '--json')).stdout)
    expect(status).toMatchObject({ archived: 3 })
    expect((status as { signed_through?: number }).signed_through).toBe(signed)
    await rowsOf(fixture.url, `DROP ROLE ${role}`)
  })

  it.each([
    ['an unknown chain', ['status', '--domain', '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0ff'], 4],
    ['an unknown chain', ['backfill', '--domain', '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0ff'], 4],
    ['no chain chosen', ['status'], 2],
    ['a range of all chains', ['backfill', '--all', '--from-seq', '2'], 2],
  ])('refuses %s: %s', async (_name, args, code) => {
    expect((await audit('archive', ...args)).code).toBe(code)
  })

  it('uses a directory of the home when no mirror is named', async () => {
    const home = await mkdtemp(join(tmpdir(), 'archive-home-'))
    try {
      const own = (...args: string[]) => runCli([...args, '--home', home])
      const { stdout } = await own('domain', 'create', '--json')
      const { domain_id } = JSON.parse(stdout)
      expect((await own('archiver', '--once')).code).toBe(0)
      expect(await readdir(join(home, 'mirror', 'audit', domain_id))).toEqual([
        '00000000000000000001.json.zst',
      ])
      await own('db', 'stop')
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  })
})
