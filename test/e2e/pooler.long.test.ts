import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines, runProcess } from '../support/cli.js'
import { HAS_POOLER, Pooler } from '../support/pooler.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const WRITERS = 4
const ROWS = 40

const title = HAS_POOLER
  ? 'behind pgbouncer in transaction mode,'
  : 'behind pgbouncer in transaction mode (pgbouncer is not installed here),'

describe.skipIf(!HAS_POOLER)(title, () => {
  const mirror = mkdtempSync(join(tmpdir(), 'apm-'))
  let database: TestDatabase
  let pooler: Pooler
  let cli: CliDatabase
  let domainId: string

  beforeAll(async () => {
    database = await testDatabase()
    // Fewer connections than writers, so that the writers share them.
    pooler = await Pooler.start(database.url, 2)
    cli = new CliDatabase(pooler.url)
    domainId = await cli.create()
  })

  afterAll(async () => {
    await pooler.stop()
    cli.remove()
    rmSync(mirror, { recursive: true, force: true })
    await database.drop()
  })

  const chain = () => ['--domain', domainId, '--json']

  const lines = (writer: number) =>
    Array.from({ length: ROWS }, (_, i) => {
      const subject = { plaintext: `Person ${writer}` }
      const entry = {
        subject_id: `p${writer}`,
        relation: 'a.b',
        object: `c:${i}`,
        subject,
        context: { ip: '192.0.2.1' },
      }
      return `${JSON.stringify(entry)}\n`
    }).join('')

  it('four writers append to one chain at once', async () => {
    const append = (_: unknown, i: number) =>
      runProcess(['append', ...chain(), '--stdin'], { env: cli.env, input: lines(i) })
    const results = await Promise.all(Array.from({ length: WRITERS }, append))
    expect(results.map(({ code, stderr }) => [code, stderr])).toEqual(Array(WRITERS).fill([0, '']))
    const seqs = results.flatMap(({ stdout }) =>
      (jsonLines(stdout) as { seq: number }[]).map(({ seq }) => seq),
    )
    expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: WRITERS * ROWS }, (_, i) => i + 2))
  })

  it.each<[string, () => string[]]>([
    ['list', () => ['list', ...chain()]],
    ['list --verify', () => ['list', '--verify', ...chain()]],
    ['get', () => ['get', '--seq', '3', ...chain()]],
    ['verify', () => ['verify', ...chain()]],
    ['verify --all', () => ['verify', '--all', '--json']],
    ['domain create', () => ['domain', 'create', '--json']],
    ['erase-identity', () => ['erase-identity', '--subject', 'p1', '--confirm', ...chain()]],
    ['identify', () => ['identify', '--seq', '3', '--reason', 'case 7', ...chain()]],
    ['hold place', () => ['hold', 'place', '--reason', 'case 7', ...chain()]],
    [
      'archiver --once',
      () => ['archiver', '--once', '--init-mirror', '--mirror', `file://${mirror}`, '--json'],
    ],
    ['archiver --once, again', () => ['archiver', '--once', '--mirror', `file://${mirror}`, '--json']],
    ['archive status', () => ['archive', 'status', '--all', '--mirror', `file://${mirror}`, '--json']],
    [
      'verify of both copies',
      () => ['verify', '--all', '--source', 'both', '--mirror', `file://${mirror}`, '--json'],
    ],
    ['db status', () => ['db', 'status', '--json']],
  ])('%s ends with 0', async (_command, words) => {
    const { code, stderr } = await runProcess(words(), { env: cli.env })
    expect(code, stderr).toBe(0)
  })

  it('two archivers archive every row, and no claim stays', async () => {
    await runProcess(['append', ...chain(), '--stdin'], { env: cli.env, input: lines(9) })
    const once = () => runProcess(['archiver', '--once', '--mirror', `file://${mirror}`], { env: cli.env })
    const results = await Promise.all([once(), once()])
    for (const { code, stderr } of results) expect(code, stderr).toBe(0)
    expect(
      await rowsOf(database.url, 'SELECT FROM audit_log_entry_archived WHERE archived_at IS NULL'),
    ).toEqual([])
    expect(await rowsOf(database.url, 'SELECT FROM audit_claim')).toEqual([])
  })

  it('a second restore of one chain is refused while the first one runs', async () => {
    const fresh = await testDatabase()
    const other = await Pooler.start(fresh.url, 2)
    const env = { ...cli.env, AUDIT_DATABASE_URL: other.url }
    const restore = () =>
      runProcess(['archive', 'restore', ...chain(), '--mirror', `file://${mirror}`], { env })
    const codes = (await Promise.all([restore(), restore()])).map(({ code }) => code)
    expect(codes).toContain(0)
    // The second one ran during the first one (3), or after it (2).
    expect([2, 3]).toContain(Math.max(...codes.map(Number)))
    await other.stop()
    await fresh.drop()
  })

  it('a lock that somebody holds is reported with the pid of the server', async () => {
    const holder = new pg.Client({ connectionString: database.url })
    await holder.connect()
    await holder.query('BEGIN')
    await holder.query('SELECT FROM audit_log_chain_head WHERE domain_id = $1 FOR UPDATE', [domainId])
    const entry = ['--subject', 'alice', '--relation', 'a.b', '--object', 'c:d', '--lock-timeout', '1s']
    const { code, stderr } = await runProcess(['append', ...chain(), ...entry], { env: cli.env })
    expect(code, stderr).toBe(3)
    expect(stderr).toMatch(/lock_timeout.*held by pid \d+, role postgres/)
    await holder.end()
  })

  it('nothing is left behind for the next client', async () => {
    const [row] = await rowsOf(
      pooler.url,
      `SELECT current_setting('search_path') AS path, current_setting('lock_timeout') AS timeout,
         (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS locks`,
    )
    expect(row).toEqual({ path: '"$user", public', timeout: '0', locks: 0 })
  })
})
