import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError, errnoOf } from '../../base/errors.js'
import type { EmbeddedStatus } from '../../ports/database.js'
import { makePrivate } from './home.js'
import { EMBEDDED_MAJOR, embeddedUrl, type HomePaths, homePaths } from './home-paths.js'
import { isReady, isServerOf, serverPid } from './server-state.js'

export interface EnsureOptions {
  /** Called with the home if this call starts the server. */
  readonly onStart?: ((home: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Milliseconds that a fast shutdown may take, with its last checkpoint. */
const STOP_TIMEOUT = 120_000

/**
 * Starts the PostgreSQL of a home unless it runs, and initialises it first if needed, with the database `audit` and no
 * schema. The server outlives this process until `stopEmbedded`. Many processes may call this at the same time, and each
 * may be killed at any point. If the server runs already, the call takes about a millisecond. Resolves with whether this
 * call started the server. Rejects with `embedded_unavailable`, or with the reason of `signal`.
 */
export async function ensureEmbedded(
  home: string,
  options: EnsureOptions = {},
): Promise<{ url: string; started: boolean }> {
  const paths = homePaths(home)
  const url = embeddedUrl(home)
  if (await isReady(paths)) return { url, started: false }
  try {
    return { url, started: await startUnderLock(paths, options) }
  } catch (error) {
    if (error instanceof AuditError || options.signal?.aborted) throw error
    throw unexpected(paths, error)
  }
}

/** Returns whether a home has a database, running or not. Creates nothing. */
export async function hasDatabase(home: string): Promise<boolean> {
  const { majorOf } = await import('./initialise.js')
  return (await majorOf(homePaths(home))) !== undefined
}

/** Shuts the server down. Resolves when its process is gone, with whether it ran before. */
export async function stopEmbedded(home: string): Promise<boolean> {
  const paths = homePaths(home)
  const pid = await serverPid(paths)
  if (pid === undefined) return false
  // SIGINT is PostgreSQL's fast shutdown: it ends all sessions, and writes a checkpoint.
  signalServer(pid)
  const deadline = performance.now() + STOP_TIMEOUT
  // The process is what counts: a server removes postmaster.pid, and writes its last log line after that.
  while (await isServerOf(pid, paths)) {
    if (performance.now() > deadline) throw unstoppable(paths, pid)
    await sleep(10)
  }
  return true
}

/** Reports the state of the server without starting anything. */
export async function embeddedStatus(home: string): Promise<EmbeddedStatus> {
  const paths = homePaths(home)
  const { majorOf } = await import('./initialise.js')
  const [running, pid, version] = await Promise.all([isReady(paths), serverPid(paths), majorOf(paths)])
  return { running, pid, version, dataDir: paths.data, socket: paths.socket, logFile: paths.log }
}

async function startUnderLock(paths: HomePaths, options: EnsureOptions): Promise<boolean> {
  const { underStartLock } = await import('./start-lock.js')
  await makePrivate(paths.dir)
  let started = false
  const start = async () => {
    if (await isReady(paths)) return
    await bringUp(paths, options)
    started = true
  }
  await underStartLock(paths, () => isReady(paths), start, options.signal)
  return started
}

async function bringUp(paths: HomePaths, { onStart, signal }: EnsureOptions): Promise<void> {
  const { findBinaries } = await import('./binaries.js')
  const { initialise, majorOf, checkMajor } = await import('./initialise.js')
  const { startServer } = await import('./start.js')
  const binaries = await findBinaries()
  checkMajor(paths, (await majorOf(paths)) ?? EMBEDDED_MAJOR)
  onStart?.(paths.home)
  await initialise(paths, binaries, signal)
  await startServer(paths, binaries, signal)
}

function signalServer(pid: number): void {
  try {
    process.kill(pid, 'SIGINT')
  } catch (cause) {
    if (errnoOf(cause) === 'ESRCH') return
    throw new AuditError('embedded_unavailable', `cannot signal the PostgreSQL process ${pid}`, {
      advice: { code: 'be_server_owner' },
      cause,
    })
  }
}

function unexpected(paths: HomePaths, cause: unknown): AuditError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new AuditError('embedded_unavailable', `cannot start a PostgreSQL in ${paths.dir}: ${reason}`, {
    cause,
  })
}

function unstoppable(paths: HomePaths, pid: number): AuditError {
  const message = `PostgreSQL (process ${pid}) did not stop within ${STOP_TIMEOUT / 1000} s`
  return new AuditError('embedded_unavailable', message, {
    advice: { code: 'read_server_log', path: paths.log },
  })
}
