import { readdir, rm, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError } from '../../base/errors.js'
import type { HomePaths } from './home-paths.js'
import { isAlive } from './live.js'
import { isServerOf, readPidFile, serverPid } from './server-state.js'

/** Milliseconds for which a server that is starting may have created postmaster.pid and not yet written its number. */
const UNWRITTEN = 1000
/** Milliseconds in which the processes of a killed server end. */
const ENDING = 5000
const INTERVAL = 50

/**
 * Removes postmaster.pid where it keeps PostgreSQL from starting although no server runs: its number belongs to a live
 * process that is not the server, or it holds no number, as a power cut leaves it. A number without a process is left to
 * PostgreSQL, which knows whether sessions of the dead server still run. It finds them without the file as well.
 */
export async function removeStalePidFile(paths: HomePaths): Promise<void> {
  if (!(await exists(paths.pidFile))) return
  const file = await readPidFile(paths)
  if (file === undefined) return removeWithoutNumber(paths)
  if (!isAlive(file.pid) || (await serverPid(paths)) !== undefined) return
  await rm(paths.pidFile, { force: true })
}

async function removeWithoutNumber(paths: HomePaths): Promise<void> {
  const beginning = performance.now()
  let servers: readonly number[] | undefined
  do {
    await sleep(INTERVAL)
    if ((await readPidFile(paths)) !== undefined || !(await exists(paths.pidFile))) return
    servers = await processesOn(paths)
  } while (performance.now() < beginning + (servers?.length === 0 ? UNWRITTEN : ENDING))
  if (servers?.length !== 0) throw withoutNumber(paths, servers)
  // Another start may have been as fast.
  if ((await readPidFile(paths)) === undefined) await rm(paths.pidFile, { force: true })
}

/** Returns the processes that work in the data directory; undefined on a system without /proc. */
async function processesOn(paths: HomePaths): Promise<number[] | undefined> {
  if (process.platform !== 'linux') return undefined
  const names = await readdir('/proc')
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
  const areOn = await Promise.all(pids.map((pid) => isServerOf(pid, paths)))
  return pids.filter((_, index) => areOn[index])
}

function withoutNumber(paths: HomePaths, servers: readonly number[] | undefined): AuditError {
  const [pid] = servers ?? []
  const message =
    pid === undefined
      ? `${paths.pidFile} names no process, so it is unknown whether PostgreSQL runs on ${paths.data}`
      : `${paths.pidFile} names no process, but process ${pid} works in ${paths.data}`
  return new AuditError('embedded_unavailable', message, {
    advice: { code: 'end_server_and_remove_file', path: paths.pidFile },
  })
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
