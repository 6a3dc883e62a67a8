import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError } from '../../base/errors.js'
import type { Binaries } from './binaries.js'
import type { HomePaths } from './home-paths.js'
import { asOrdinaryUser, namespaceRefused } from './ordinary-user.js'
import { cannotStart, environment, lastLines } from './program.js'
import { isReady, serverPid } from './server-state.js'
import { SETTINGS } from './settings.js'
import { removeStalePidFile } from './stale-pid-file.js'

/** The size of the log at which a start renames it and begins a new one. */
const MAX_LOG = 1024 * 1024

/** Milliseconds between two checks. */
const INTERVAL = 20
/** Milliseconds that a start may take, with recovery after a crash. */
const TIMEOUT = 300_000

/** The number of tries while the processes of a killed server are still ending. */
const ATTEMPTS = 50

/**
 * Starts the server of an initialised home unless it runs, and resolves when it accepts connections. The server is
 * detached from this process: from its terminal, its process group and its pipes. Of two concurrent starts PostgreSQL
 * lets one win, by postmaster.pid. Rejects with `embedded_unavailable` and the end of the server's log.
 */
export async function startServer(paths: HomePaths, binaries: Binaries, signal?: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await waitWhileChanging(paths, signal)
    if (await isReady(paths)) return
    await removeStalePidFile(paths)
    const failure = await startOnce(paths, binaries, signal)
    if (failure === undefined) return
    if (attempt === ATTEMPTS || !isTransient(failure)) throw failed(paths, failure)
    await sleep(INTERVAL * 5, undefined, { signal })
  }
}

/** Waits until a server that is starting or stopping accepts connections or is gone. */
async function waitWhileChanging(paths: HomePaths, signal: AbortSignal | undefined): Promise<void> {
  const deadline = performance.now() + TIMEOUT
  while (!(await isReady(paths))) {
    const pid = await serverPid(paths)
    if (pid === undefined) return
    if (performance.now() > deadline) throw silent(paths, pid)
    await sleep(INTERVAL, undefined, { signal })
  }
}

/** Starts the server once. Resolves with its log if it ends before it accepts connections, otherwise with undefined. */
async function startOnce(
  paths: HomePaths,
  binaries: Binaries,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  await rotateLog(paths)
  const log = await open(paths.log, 'a', 0o600)
  try {
    const { size } = await log.stat()
    const server = launch(paths, binaries, log.fd)
    const ended = new Promise<string>((resolve, reject) => {
      server.once('error', (cause) => reject(cannotStart(server.spawnfile, cause)))
      server.once('exit', () => resolve(logSince(paths, size)))
    })
    return await Promise.race([ended, untilReady(paths, server, signal)])
  } finally {
    await log.close()
  }
}

function launch(paths: HomePaths, binaries: Binaries, log: number): ChildProcess {
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const [command, ...args] = asOrdinaryUser(binaries.postgres, ['-D', paths.data, ...settings])
  const server = spawn(command, args, { stdio: ['ignore', log, log], detached: true, env: environment() })
  server.unref()
  return server
}

async function untilReady(
  paths: HomePaths,
  server: ChildProcess,
  signal: AbortSignal | undefined,
): Promise<undefined> {
  const deadline = performance.now() + TIMEOUT
  while (!(await isReady(paths))) {
    if (server.exitCode !== null || server.signalCode !== null) return new Promise(() => undefined)
    if (performance.now() > deadline) throw silent(paths, server.pid ?? 0)
    await sleep(INTERVAL, undefined, { signal })
  }
}

async function rotateLog(paths: HomePaths): Promise<void> {
  const size = await stat(paths.log).then(
    (found) => found.size,
    () => 0,
  )
  if (size > MAX_LOG) await rename(paths.log, `${paths.log}.1`)
}

async function logSince(paths: HomePaths, offset: number): Promise<string> {
  const log = await readFile(paths.log)
  return log.subarray(offset).toString('utf8')
}

/** Returns whether another start was faster, or the last processes of a killed server have not ended yet. */
function isTransient(log: string): boolean {
  return /lock file ".*" already exists|pre-existing shared memory block/.test(log)
}

function failed(paths: HomePaths, log: string): AuditError {
  if (log.startsWith('unshare: ')) return namespaceRefused(log.trim())
  return new AuditError('embedded_unavailable', `PostgreSQL did not start: ${lastLines(log)}`, {
    advice: { code: 'read_server_log', path: paths.log },
  })
}

function silent(paths: HomePaths, pid: number): AuditError {
  const message = `PostgreSQL (process ${pid}) runs on ${paths.data} but accepts no connections at ${paths.socket}`
  return new AuditError('embedded_unavailable', message, {
    advice: { code: 'read_server_log', path: paths.log },
  })
}
