import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { finished, jsonLines, runCli, spawnCli } from '../support/cli.js'
import { keyOf } from '../support/mirror-attacks/objects.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const ROWS = 1_500
const BROKEN = 700

const root = mkdtempSync(join(tmpdir(), 'restore-'))
const mirrorDir = join(root, 'mirror')
let source: TestDatabase
let cli: CliDatabase
let domainId: string
/** entry_hash by seq. */
let hashes: string[]

const urlOf = (dir: string) => pathToFileURL(dir).href
const chain = () => ['--domain', domainId]
const pinOf = (seq: number) => ['--expect-head', `${seq}:${hashes[seq]}`]

beforeAll(async () => {
  source = await testDatabase()
  cli = new CliDatabase(source.url)
  domainId = await cli.create()
  const line = (i: number) =>
    JSON.stringify({ subject_id: `s${i}`, relation: 'project.read', object: `project:${i}` })
  const input = Array.from({ length: ROWS - 1 }, (_, i) => line(i)).join('\n')
  expect(await cli.runWith(input, 'append', '--stdin', ...chain())).toMatchObject({ code: 0 })
  expect(await cli.run('archiver', '--once', '--init-mirror', '--mirror', urlOf(mirrorDir))).toMatchObject({
    code: 0,
  })
  const rows = await rowsOf(
    source.url,
    `SELECT encode(entry_hash, 'hex') AS hash FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq`,
    [domainId],
  )
  hashes = ['', ...rows.map(({ hash }) => String(hash))]
})

afterAll(async () => {
  cli.remove()
  await source.drop()
  rmSync(root, { recursive: true, force: true })
})

type Env = Readonly<Record<string, string>>

/** An empty Postgres, and a copy of the mirror that may be damaged. */
class Ruin {
  private constructor(
    readonly database: TestDatabase,
    readonly dir: string,
  ) {}

  static async make(damage: (dir: string) => void = () => undefined): Promise<Ruin> {
    const database = await testDatabase()
    const dir = mkdtempSync(join(root, 'ruin-'))
    cpSync(mirrorDir, dir, { recursive: true })
    damage(dir)
    return new Ruin(database, dir)
  }

  get env(): Env {
    return { ...cli.env, AUDIT_DATABASE_URL: this.database.url, AUDIT_MIRROR_URL: urlOf(this.dir) }
  }

  run(args: readonly string[], env: Env = {}) {
    return runCli(args, { env: { ...this.env, ...env } })
  }

  restore(...words: string[]) {
    return this.run(['archive', 'restore', ...chain(), '--json', ...words])
  }

  /** Returns the number of rows, heads, Domains and unfinished restores. */
  async contents() {
    const [row] = await rowsOf(
      this.database.url,
      `SELECT (SELECT count(*)::int FROM audit_log_entry) AS rows, (SELECT count(*)::int FROM audit_log_chain_head) AS heads,
         (SELECT count(*)::int FROM audit_domain) AS domains, (SELECT count(*)::int FROM audit_restore) AS restores`,
    )
    return row
  }

  async drop(): Promise<void> {
    await this.database.drop()
    rmSync(this.dir, { recursive: true })
  }
}

async function withRuin(use: (ruin: Ruin) => Promise<void>, damage?: (dir: string) => void): Promise<void> {
  const ruin = await Ruin.make(damage)
  try {
    await use(ruin)
  } finally {
    await ruin.drop()
  }
}

const NOTHING = { rows: 0, heads: 0, domains: 0, restores: 0 }
const WHOLE = { rows: ROWS, heads: 1, domains: 1, restores: 0 }
const breakOne = (dir: string) => writeFileSync(join(dir, keyOf(domainId, BROKEN)), 'junk')
const cutTail = (dir: string) => {
  for (let seq = ROWS - 9; seq <= ROWS; seq += 1) rmSync(join(dir, keyOf(domainId, seq)))
}
const errorOf = (stderr: string) => (jsonLines(stderr)[0] as { error: { code: string } }).error.code

/** Expects the whole chain with its former head, ready for the next row. */
async function assertRestored(ruin: Ruin): Promise<void> {
  expect(await ruin.contents()).toEqual(WHOLE)
  const verified = await ruin.run(['verify', ...chain(), '--source', 'both', '--json', ...pinOf(ROWS)])
  expect(verified.code, verified.stdout).toBe(0)
  expect(JSON.parse(verified.stdout)).toMatchObject({
    rows: ROWS,
    unarchived: 0,
    head: { hash: hashes[ROWS] },
  })
  const more = ['--subject', 'a', '--relation', 'r', '--object', 'o:1', '--json']
  const appended = await ruin.run(['append', ...chain(), ...more])
  expect(JSON.parse(appended.stdout)).toMatchObject({ seq: ROWS + 1 })
}

interface Refusal {
  readonly name: string
  readonly words?: () => readonly string[]
  readonly env?: () => Env
  readonly damage?: (dir: string) => void
  readonly exit: number
  readonly error?: string
  /** A part of the mirror's verdict, when the verdict is the reason. */
  readonly findings?: () => readonly object[]
}

const otherKey = () => {
  const path = join(root, 'other.key')
  writeFileSync(path, Buffer.alloc(32, 7), { mode: 0o600 })
  return { AUDIT_PEPPER: urlOf(path) }
}
const unexpected = (seq: number) => ({ code: 'unexpected_head', seq_from: seq, seq_to: seq })

const REFUSALS: readonly Refusal[] = [
  {
    name: 'a broken mirror',
    damage: breakOne,
    exit: 1,
    findings: () => [{ code: 'object_malformed', seq_from: BROKEN, seq_to: BROKEN }],
  },
  {
    name: 'a mirror with a gap',
    damage: (dir) => rmSync(join(dir, keyOf(domainId, BROKEN))),
    exit: 1,
    findings: () => [{ code: 'seq_gap', seq_from: BROKEN, seq_to: BROKEN }],
  },
  {
    name: 'a mirror that lacks the pinned head',
    damage: cutTail,
    words: () => pinOf(ROWS),
    exit: 1,
    findings: () => [unexpected(ROWS)],
  },
  {
    name: 'a mirror that has another row in the pinned one’s place',
    words: () => ['--expect-head', `${BROKEN}:${'f'.repeat(64)}`, '--allow-broken-tail'],
    exit: 1,
    findings: () => [unexpected(BROKEN)],
  },
  {
    name: 'a mirror whose genesis row is gone, broken tail allowed or not',
    damage: (dir) => rmSync(join(dir, keyOf(domainId, 1))),
    words: () => ['--allow-broken-tail'],
    exit: 1,
    findings: () => [{ code: 'seq_gap', seq_from: 1, seq_to: 1 }],
  },
  {
    name: 'a mirror without the chain',
    damage: (dir) => rmSync(join(dir, 'audit'), { recursive: true }),
    exit: 4,
    error: 'domain_not_found',
  },
  { name: 'the wrong pepper', env: otherKey, exit: 2, error: 'pepper_mismatch' },
  {
    name: 'no pepper',
    env: () => ({ AUDIT_PEPPER: urlOf(join(root, 'no.key')) }),
    exit: 3,
    error: 'pepper_unavailable',
  },
  {
    name: 'a bucket that cannot be reached',
    env: () => ({
      AUDIT_MIRROR_URL: 's3://bucket',
      AUDIT_S3_ENDPOINT: 'http://127.0.0.1:9',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
    }),
    exit: 3,
    error: 'mirror_unavailable',
  },
  { name: 'a malformed head', words: () => ['--expect-head', '7'], exit: 2, error: 'usage' },
]

describe.concurrent('archive restore, when it writes nothing,', () => {
  it.each(REFUSALS.map((refusal) => [refusal.name, refusal] as const))('%s', async (_name, refusal) => {
    const { words = () => [], env = () => ({}), exit, error, findings } = refusal
    await withRuin(async (ruin) => {
      const args = ['archive', 'restore', ...chain(), '--json', ...words()]
      const { code, stdout, stderr } = await ruin.run(args, env())
      expect(code, stderr).toBe(exit)
      if (error !== undefined) expect(errorOf(stderr)).toBe(error)
      if (findings === undefined) expect(stdout).toBe('')
      else expect(JSON.parse(stdout)).toMatchObject({ ok: false, source: 'mirror', findings: findings() })
      expect(await ruin.contents()).toEqual(NOTHING)
    }, refusal.damage)
  })

  it('refuses a chain that exists', async () => {
    const env = { ...cli.env, AUDIT_MIRROR_URL: urlOf(mirrorDir) }
    for (const which of [chain(), ['--platform']]) {
      const { code, stderr } = await runCli(['archive', 'restore', ...which, '--json'], { env })
      expect([code, errorOf(stderr)]).toEqual([2, 'chain_exists'])
    }
    const rows = await rowsOf(source.url, 'SELECT count(*)::int AS rows FROM audit_log_entry')
    expect(rows).toEqual([{ rows: ROWS + 2 }])
  })
})

describe.concurrent('archive restore', () => {
  it('restores a chain with a pinned head', () =>
    withRuin(async (ruin) => {
      const { code, stdout, stderr } = await ruin.restore(...pinOf(ROWS))
      expect(code, stderr).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({
        rows: ROWS,
        head: { seq: ROWS, hash: hashes[ROWS] },
        complete: true,
      })
      expect(stderr).toMatch(/the mirror lagged by \d+ s: /)
      expect(stderr).toMatch(/the newest row is \d+ s old: .* new rows reuse their seqs/)
      const [recorded] = await rowsOf(ruin.database.url, 'SELECT marker_id FROM audit_mirror_marker')
      expect(readFileSync(join(ruin.dir, 'audit/mirror.json'), 'utf8')).toContain(String(recorded?.marker_id))
      expect(stderr).toMatch(/personal data and contexts are not in the mirror/)
      await assertRestored(ruin)
    }))

  it('goes on where the mirror holds names that are no keys of rows, and notes them', () =>
    withRuin(
      async (ruin) => {
        const { code, stdout, stderr } = await ruin.restore()
        expect(code, stderr).toBe(0)
        expect(JSON.parse(stdout)).toMatchObject({
          complete: true,
          verify: { ok: true, stray: { count: 3 } },
        })
        expect(stderr).toContain(`3 names below audit/${domainId}/ are no keys of rows`)
        await assertRestored(ruin)
      },
      (dir) => {
        const folder = join(dir, 'audit', domainId)
        mkdirSync(join(folder, 'sub', 'deeper'), { recursive: true })
        for (const name of ['.DS_Store', '._00000000000000000002.json.zst'])
          writeFileSync(join(folder, name), '')
      },
    ))

  it('prints the result in text', () =>
    withRuin(async (ruin) => {
      const { code, stdout } = await ruin.run(['archive', 'restore', ...chain()])
      expect(code).toBe(0)
      expect(stdout).toMatch(new RegExp(`^restored {2}${domainId} {2}${ROWS} rows, the last recorded at 20`))
      expect(stdout).toMatch(new RegExp(`^intact {4}${domainId} {2}rows 1 to ${ROWS} of both `, 'm'))
    }))

  it('restores the intact beginning of a broken mirror when that is allowed, and still ends with 1', () =>
    withRuin(async (ruin) => {
      const { code, stdout, stderr } = await ruin.restore('--allow-broken-tail')
      expect(code, stderr).toBe(1)
      const last = BROKEN - 1
      expect(JSON.parse(stdout)).toMatchObject({
        rows: last,
        head: { seq: last, hash: hashes[last] },
        complete: false,
        broken: [{ code: 'object_malformed', seq_from: BROKEN }],
        verify: { ok: false },
      })
      expect(stderr).toContain(`only rows 1 to ${last} were restored`)
      expect(await ruin.contents()).toEqual({ rows: last, heads: 1, domains: 1, restores: 0 })
      expect(await ruin.run(['verify', ...chain(), ...pinOf(last)])).toMatchObject({ code: 0 })
    }, breakOne))

  it('restores a mirror that ends before the pinned head when that is allowed', () =>
    withRuin(async (ruin) => {
      const { code, stdout } = await ruin.restore(...pinOf(ROWS), '--allow-broken-tail')
      expect(code).toBe(1)
      const last = ROWS - 10
      expect(JSON.parse(stdout)).toMatchObject({ rows: last, complete: false, verify: { ok: true } })
      expect(await ruin.contents()).toEqual({ rows: last, heads: 1, domains: 1, restores: 0 })
    }, cutTail))

  it('sets the mirror of a Domain to the one that its first row names', () =>
    withRuin(async (ruin) => {
      const [own, copy] = [join(ruin.dir, 'own'), join(ruin.dir, 'copy')]
      const created = await ruin.run(['domain', 'create', '--mirror', urlOf(own), '--json'])
      const id = String(JSON.parse(created.stdout).domain_id)
      const fresh = { AUDIT_MIRROR_URL: urlOf(join(ruin.dir, 'fresh')) }
      const map = join(ruin.dir, 'map')
      writeFileSync(map, `${id} ${urlOf(own)}\n`)
      const archive = ['archiver', '--once', '--init-mirror', '--mirror-map', map]
      expect(await ruin.run(archive, fresh)).toMatchObject({ code: 0 })
      cpSync(own, copy, { recursive: true })
      await asSuperuser(
        ruin.database.url,
        `DELETE FROM audit_log_entry WHERE domain_id = '${id}';
        DELETE FROM audit_log_chain_head WHERE domain_id = '${id}'; DELETE FROM audit_domain`,
      )
      const args = ['archive', 'restore', '--domain', id, '--mirror', urlOf(copy), '--json']
      expect(await ruin.run(args)).toMatchObject({ code: 0 })
      const domains = await rowsOf(ruin.database.url, 'SELECT domain_id, mirror_url FROM audit_domain')
      expect(domains).toEqual([{ domain_id: id, mirror_url: urlOf(own) }])
    }))
})

/** Expects that a verify of a partly restored chain says neither intact nor diverged. */
async function assertUnfinished(ruin: Ruin): Promise<void> {
  for (const words of [
    chain(),
    [...chain(), '--source', 'both'],
    [...chain(), '--source', 'both', ...pinOf(ROWS)],
    ['--all'],
  ]) {
    const { code, stderr } = await ruin.run(['verify', ...words, '--json'])
    expect([words, code, errorOf(stderr)]).toEqual([words, 3, 'restore_unfinished'])
    expect(stderr).toMatch(/was begun at \d{4}-\d\d-\d\dT.* rows are there up to 1000, and no chain head/)
    expect(stderr).toContain(`audit archive restore --domain ${domainId}`)
  }
  const quarantined = 'SELECT code, seq_from::int AS seq FROM audit_tamper_quarantine'
  expect(await rowsOf(ruin.database.url, quarantined)).toEqual([])

  // Damage in the rows that were restored is still found.
  const set = (relation: string) =>
    asSuperuser(
      ruin.database.url,
      `UPDATE audit_log_entry SET relation = '${relation}' WHERE domain_id = '${domainId}' AND seq = 500`,
    )
  await set('forged')
  const found = await ruin.run(['verify', ...chain(), '--json', '--no-quarantine'])
  expect([found.code, JSON.parse(found.stdout).findings]).toMatchObject([
    1,
    [{ code: 'entry_hash_mismatch', seq_from: 500, seq_to: 500 }],
  ])
  await set('project.read')
}

/** Locks one seq of the chain on a connection, so that a restore waits there. A restore inserts 1,000 rows at a time. */
async function holding(ruin: Ruin, seq: number): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: ruin.database.url })
  await client.connect()
  await client.query('BEGIN')
  await client.query(forged(seq))
  return client
}

/** Inserts a row of the chain that differs from the mirror's. */
function forged(seq: number): string {
  return `INSERT INTO audit_log_entry (domain_id, seq, subject_pseudonym, relation, object, reason, recorded_at, prev_hash, entry_hash)
    VALUES ('${domainId}', ${seq}, sha256('x'), 'x', 'x:x', 1, now(), sha256('x'), sha256('y'))`
}

async function until(ruin: Ruin, rows: number): Promise<void> {
  for (let tries = 0; tries < 1200; tries += 1) {
    if ((await ruin.contents())?.rows === rows) return
    await sleep(50)
  }
  throw new Error(`the restore did not come to ${rows} rows`)
}

describe.concurrent('archive restore, while it runs,', () => {
  it('locks the chain, survives SIGKILL and continues', () =>
    withRuin(async (ruin) => {
      const blocker = await holding(ruin, 1_200)
      const child = await spawnCli(['archive', 'restore', ...chain()], { env: ruin.env })
      const ended = finished(child)
      await until(ruin, 1_000)

      const line = ['--subject', 'a', '--relation', 'r', '--object', 'o:1', '--json']
      const appended = await ruin.run(['append', ...chain(), ...line])
      expect([appended.code, errorOf(appended.stderr)]).toEqual([3, 'chain_conflict'])
      const created = await ruin.run(['domain', 'create', ...chain(), '--json'])
      expect([created.code, errorOf(created.stderr)]).toEqual([2, 'domain_exists'])
      const second = await ruin.restore()
      expect([second.code, errorOf(second.stderr)]).toEqual([3, 'restore_running'])

      child.kill('SIGKILL')
      expect(await ended).toMatchObject({ signal: 'SIGKILL' })
      await blocker.query('ROLLBACK')
      await blocker.end()
      expect(await ruin.contents()).toEqual({ rows: 1_000, heads: 0, domains: 0, restores: 1 })
      await assertUnfinished(ruin)
      const { code, stdout, stderr } = await ruin.restore(...pinOf(ROWS))
      expect(code, stderr).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ rows: ROWS, head: { hash: hashes[ROWS] }, complete: true })
      await assertRestored(ruin)
    }))

  it('continues after a kill at any moment', () =>
    withRuin(async (ruin) => {
      for (const rows of [0, 0, 1_000]) {
        const child = await spawnCli(['archive', 'restore', ...chain()], { env: ruin.env })
        const ended = finished(child)
        if (rows === 0) await sleep(200 + Math.random() * 400)
        else await Promise.race([until(ruin, rows).catch(() => undefined), ended])
        child.kill('SIGKILL')
        await ended
      }
      const { code, stderr } = await ruin.restore()
      // The last run may have finished before the kill.
      expect(code === 0 || errorOf(stderr) === 'chain_exists', stderr).toBe(true)
      await assertRestored(ruin)
    }))

  it('refuses a second restore at the same time', () =>
    withRuin(async (ruin) => {
      const results = await Promise.all([ruin.restore(), ruin.restore()])
      const [done, refused] = results.sort((a, b) => (a.code ?? 0) - (b.code ?? 0))
      expect(done?.code).toBe(0)
      // The second one ran during the first one, or after it.
      const refusal = [refused?.code, errorOf(refused?.stderr ?? '')]
      expect([
        [3, 'restore_running'],
        [2, 'chain_exists'],
      ]).toContainEqual(refusal)
      await assertRestored(ruin)
    }))

  it('does not continue after a row that differs from the mirror’s', () =>
    withRuin(async (ruin) => {
      await asSuperuser(ruin.database.url, forged(1_200))
      const { code, stderr } = await ruin.restore()
      expect([code, errorOf(stderr)]).toEqual([2, 'chain_exists'])
      expect(await ruin.contents()).toEqual({ rows: 1_001, heads: 0, domains: 0, restores: 1 })
    }))

  it('sets no head when rows continue after it', () =>
    withRuin(async (ruin) => {
      await asSuperuser(ruin.database.url, forged(ROWS + 1))
      const { code, stderr } = await ruin.restore()
      expect([code, errorOf(stderr)]).toEqual([2, 'chain_exists'])
      expect(await ruin.contents()).toEqual({ rows: ROWS + 1, heads: 0, domains: 0, restores: 1 })
    }))
})
