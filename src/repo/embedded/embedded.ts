import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError, errnoOf } from '../../base/errors.js'
import { makePrivate } from './home.js'
import { EMBEDDED_MAJOR, embeddedUrl, type Place, placeOf } from './place.js'
import { isReady, serverPid } from './server-state.js'

export { embeddedUrl } from './place.js'

export interface EnsureOptions {
  /** Gets the home when this call starts the server. */
  readonly onStart?: ((home: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface EmbeddedStatus {
  /** Whether it takes connections. */
  readonly running: boolean
  /** The process of the server, also while it starts or stops. */
  readonly pid?: number | undefined
  /** The PostgreSQL major of the data; undefined before the first start. */
  readonly version?: string | undefined
  readonly dataDir: string
  readonly socket: string
  readonly logFile: string
}

/** Milliseconds that an orderly stop may take (its last checkpoint). */
const STOP_PATIENCE = 120_000

/**
 * Makes the PostgreSQL of a home run, initialised if need be, its database `audit` in place (without a schema).
 * It outlives this process until `stopEmbedded`. Safe to call at once from many processes, and to kill at any point.
 * Where it runs already this takes about a millisecond. `started`: whether this call started it.
 * Rejects with `embedded_unavailable`, or the reason of `signal`.
 */
export async function ensureEmbedded(
  home: string,
  options: EnsureOptions = {},
): Promise<{ url: string; started: boolean }> {
  const place = placeOf(home)
  const url = embeddedUrl(home)
  if (await isReady(place)) return { url, started: false }
  try {
    return { url, started: await startUnderLock(place, options) }
  } catch (error) {
    if (error instanceof AuditError || options.signal?.aborted) throw error
    throw unexpected(place, error)
  }
}

/** Stops the server in order; resolves, when it is gone, to whether it ran. */
export async function stopEmbedded(home: string): Promise<boolean> {
  const place = placeOf(home)
  const pid = await serverPid(place)
  if (pid === undefined) return false
  // SIGINT is PostgreSQL's fast shutdown: sessions are ended, what they committed is checkpointed.
  signalServer(pid)
  const deadline = performance.now() + STOP_PATIENCE
  while ((await serverPid(place)) === pid) {
    if (performance.now() > deadline) throw unstoppable(place, pid)
    await sleep(10)
  }
  return true
}

/** What is there, without starting anything. */
export async function embeddedStatus(home: string): Promise<EmbeddedStatus> {
  const place = placeOf(home)
  const { majorOf } = await import('./initialise.js')
  const [running, pid, version] = await Promise.all([isReady(place), serverPid(place), majorOf(place)])
  return { running, pid, version, dataDir: place.data, socket: place.socket, logFile: place.log }
}

async function startUnderLock(place: Place, options: EnsureOptions): Promise<boolean> {
  const { underStartLock } = await import('./start-lock.js')
  await makePrivate(place.dir)
  let started = false
  const start = async () => {
    if (await isReady(place)) return
    await bringUp(place, options)
    started = true
  }
  await underStartLock(place, () => isReady(place), start, options.signal)
  return started
}

async function bringUp(place: Place, { onStart, signal }: EnsureOptions): Promise<void> {
  const { findBinaries } = await import('./binaries.js')
  const { initialise, majorOf, checkMajor } = await import('./initialise.js')
  const { startServer } = await import('./start.js')
  const binaries = await findBinaries()
  checkMajor(place, (await majorOf(place)) ?? EMBEDDED_MAJOR)
  onStart?.(place.home)
  await initialise(place, binaries, signal)
  await startServer(place, binaries, signal)
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

function unexpected(place: Place, cause: unknown): AuditError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new AuditError('embedded_unavailable', `cannot start a PostgreSQL in ${place.dir}: ${reason}`, {
    cause,
  })
}

function unstoppable(place: Place, pid: number): AuditError {
  const message = `PostgreSQL (process ${pid}) did not stop within ${STOP_PATIENCE / 1000} s`
  return new AuditError('embedded_unavailable', message, {
    advice: { code: 'read_server_log', path: place.log },
  })
}
