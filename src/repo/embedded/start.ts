import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError } from '../../base/errors.js'
import type { Binaries } from './binaries.js'
import { isAlive } from './live.js'
import { asOrdinaryUser, namespaceRefused } from './ordinary-user.js'
import type { Place } from './place.js'
import { cannotStart, environment, lastLines } from './program.js'
import { isReady, readPidFile, serverPid } from './server-state.js'
import { SETTINGS } from './settings.js'

/** Bytes of log at which a start begins a new one and keeps the last. */
const MAX_LOG = 1024 * 1024

/** Milliseconds between two looks, and those that recovery after a crash may take. */
const INTERVAL = 20
const PATIENCE = 300_000

/** Times that a start is tried over where the processes of a server that was killed are still going down. */
const ATTEMPTS = 50

/**
 * Starts the server of an initialised home unless it runs, and resolves when it takes connections. The server keeps
 * nothing of this process: not its terminal, its process group or its pipes. Two starts at once are decided by
 * postmaster.pid. Rejects with `embedded_unavailable` and the end of the server's log.
 */
export async function startServer(place: Place, binaries: Binaries, signal?: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await whileGoing(place, signal)
    if (await isReady(place)) return
    await removeStalePidFile(place)
    const failure = await startOnce(place, binaries, signal)
    if (failure === undefined) return
    if (attempt === ATTEMPTS || !isPassing(failure)) throw failed(place, failure)
    await sleep(INTERVAL * 5, undefined, { signal })
  }
}

/** Waits for a server that is starting or stopping: until it takes connections, or is gone. */
async function whileGoing(place: Place, signal: AbortSignal | undefined): Promise<void> {
  const deadline = performance.now() + PATIENCE
  while (!(await isReady(place))) {
    const pid = await serverPid(place)
    if (pid === undefined) return
    if (performance.now() > deadline) throw silent(place, pid)
    await sleep(INTERVAL, undefined, { signal })
  }
}

/**
 * PostgreSQL takes any live process of the number in the file for a server, and would not start. A number that is free
 * is left to PostgreSQL: it knows whether sessions of the dead server are still at work.
 */
async function removeStalePidFile(place: Place): Promise<void> {
  const file = await readPidFile(place)
  if (file === undefined || !isAlive(file.pid) || (await serverPid(place)) !== undefined) return
  await rm(place.pidFile, { force: true })
}

/** Resolves to what the server logged where it ended instead of taking connections. */
async function startOnce(
  place: Place,
  binaries: Binaries,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  await rotateLog(place)
  const log = await open(place.log, 'a', 0o600)
  try {
    const { size } = await log.stat()
    const server = launch(place, binaries, log.fd)
    const ended = new Promise<string>((resolve, reject) => {
      server.once('error', (cause) => reject(cannotStart(server.spawnfile, cause)))
      server.once('exit', () => resolve(logSince(place, size)))
    })
    return await Promise.race([ended, untilReady(place, server, signal)])
  } finally {
    await log.close()
  }
}

function launch(place: Place, binaries: Binaries, log: number): ChildProcess {
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const [command, ...args] = asOrdinaryUser(binaries.postgres, ['-D', place.data, ...settings])
  const server = spawn(command, args, { stdio: ['ignore', log, log], detached: true, env: environment() })
  server.unref()
  return server
}

async function untilReady(
  place: Place,
  server: ChildProcess,
  signal: AbortSignal | undefined,
): Promise<undefined> {
  const deadline = performance.now() + PATIENCE
  while (!(await isReady(place))) {
    if (server.exitCode !== null || server.signalCode !== null) return new Promise(() => undefined)
    if (performance.now() > deadline) throw silent(place, server.pid ?? 0)
    await sleep(INTERVAL, undefined, { signal })
  }
}

async function rotateLog(place: Place): Promise<void> {
  const size = await stat(place.log).then(
    (found) => found.size,
    () => 0,
  )
  if (size > MAX_LOG) await rename(place.log, `${place.log}.1`)
}

async function logSince(place: Place, offset: number): Promise<string> {
  const log = await readFile(place.log)
  return log.subarray(offset).toString('utf8')
}

/** Another start was first, or the last processes of a server that was killed have not ended yet. */
function isPassing(log: string): boolean {
  return /lock file ".*" already exists|pre-existing shared memory block/.test(log)
}

function failed(place: Place, log: string): AuditError {
  if (log.startsWith('unshare: ')) return namespaceRefused(log.trim())
  return new AuditError('embedded_unavailable', `PostgreSQL did not start: ${lastLines(log)}`, {
    advice: { code: 'read_server_log', path: place.log },
  })
}

function silent(place: Place, pid: number): AuditError {
  const message = `PostgreSQL (process ${pid}) runs on ${place.data} but takes no connections at ${place.socket}`
  return new AuditError('embedded_unavailable', message, {
    advice: { code: 'read_server_log', path: place.log },
  })
}
