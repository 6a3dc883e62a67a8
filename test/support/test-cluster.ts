import { spawn } from 'node:child_process'
import { cp, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Binaries, findBinaries } from '../../src/repo/embedded/binaries.js'
import { asOrdinaryUser } from '../../src/repo/embedded/ordinary-user.js'
import { type RunOptions, run } from '../../src/repo/embedded/program.js'

/** A temporary PostgreSQL on a Unix socket, not durable. It ends with the process that it was made for. */
export interface TestCluster {
  /** The URL of the database `postgres`, as superuser. */
  readonly url: string
  start(): Promise<void>
  /** `immediate` is a crash: recovery runs at the next start. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>
  /** Starts a standby with what this cluster holds now. It replays nothing later, as one that lags far behind. */
  standby(): Promise<TestCluster>
}

const SETTINGS = {
  listen_addresses: '',
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  shared_buffers: '128MB',
  // The cluster may be in memory.
  max_wal_size: '128MB',
  wal_recycle: 'off',
}

/** Waits until the process $1 is gone, then stops the server with the command from $3 on and removes $2. */
const REAPER =
  'watched=$1; dir=$2; shift 2; while kill -0 "$watched" 2>/dev/null; do sleep 0.3; done; "$@"; rm -rf "$dir"'

/** Starts a cluster for one caller: for tests that stop, crash or reconfigure it. */
export async function testCluster(settings: Record<string, string> = {}): Promise<TestCluster> {
  const dir = await mkdtemp(join(tmpdir(), 'apg-'))
  return makeCluster(dir, process.pid, settings)
}

/** Makes and starts a cluster in the existing, empty directory `dir`, for as long as the process `watched` lives. */
export async function makeCluster(
  dir: string,
  watched: number,
  settings: Record<string, string> = {},
): Promise<TestCluster> {
  const { AUDIT_TEST_POSTGRES: packageDir } = process.env
  const binaries = await findBinaries(packageDir ? resolve(packageDir) : undefined)
  reap(binaries, dir, watched)
  const data = join(dir, 'data')
  const auth = ['-U', 'postgres', '-A', 'trust', '--locale=C', '--encoding=UTF8', '--no-sync']
  await succeed(binaries.initdb, ['-D', data, ...auth])
  const cluster = control(binaries, dir, { ...SETTINGS, ...settings, unix_socket_directories: dir })
  await cluster.start()
  return cluster
}

/** Returns the URL of a database of the cluster in `dir`, as superuser. */
export function urlIn(dir: string, database: string): string {
  return `postgresql://postgres@/${database}?host=${encodeURIComponent(dir)}`
}

function control(binaries: Binaries, dir: string, settings: Record<string, string>): TestCluster {
  const data = join(dir, 'data')
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`)
  const start = ['start', '-w', '-D', data, '-l', join(dir, 'log'), '-o', options.join(' ')]
  const cluster: TestCluster = {
    url: urlIn(dir, 'postgres'),
    start: () => succeed(binaries.pgCtl, start, { output: 'ignore' }),
    stop: (mode = 'fast') => succeed(binaries.pgCtl, ['stop', '-w', '-D', data, '-m', mode]),
    standby: () => startStandby(binaries, cluster, data, settings),
  }
  return cluster
}

async function startStandby(
  binaries: Binaries,
  primary: TestCluster,
  data: string,
  settings: Record<string, string>,
): Promise<TestCluster> {
  const dir = await mkdtemp(join(tmpdir(), 'apg-'))
  reap(binaries, dir, process.pid)
  await primary.stop()
  const copy = join(dir, 'data')
  await cp(data, copy, { recursive: true, preserveTimestamps: true })
  await primary.start()
  await writeFile(join(copy, 'standby.signal'), '')
  const standby = control(binaries, dir, { ...settings, unix_socket_directories: dir })
  await standby.start()
  return standby
}

function reap(binaries: Binaries, dir: string, watched: number): void {
  const stop = asOrdinaryUser(binaries.pgCtl, ['stop', '-D', join(dir, 'data'), '-m', 'immediate'])
  const args = ['-c', REAPER, 'reaper', String(watched), dir, ...stop]
  spawn('sh', args, { stdio: 'ignore', detached: true }).unref()
}

async function succeed(program: string, args: string[], options: RunOptions = {}) {
  const { status, output } = await run(program, args, options)
  if (status !== 0) throw new Error(`${program} ${args[0]} ended with ${status}: ${output}`)
}
