import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A file system in memory, where Linux has one: `CREATE DATABASE` and `initdb` copy hundreds of files. Measured with a
 * template database of 7.5 MB: 11 ms of CPU there and 70 to 100 ms on a disk, which other work also slows down.
 */
const MEMORY = '/dev/shm'
/** Bytes that must be free there; a run needs about a quarter of this. */
const ROOM = 2 * 1024 ** 3
const PREFIX = 'audit-tests-'

let dir: string | undefined

/** Gives the run of vitest a directory for temporary files in memory. With AUDIT_TEST_DISK set, temporary files stay on the disk. */
export function setup(): void {
  if (process.env.AUDIT_TEST_DISK || !isRoomy(MEMORY)) return
  removeAbandoned(MEMORY)
  dir = mkdtempSync(join(MEMORY, `${PREFIX}${process.pid}-`))
  process.env.TMPDIR = dir
}

/** Removes the directory, and ends the servers in it. */
export async function teardown(): Promise<void> {
  if (dir === undefined) return
  await stopServers(dir)
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}

/** Whether the directory has room, and programs in it may be executed. */
function isRoomy(place: string): boolean {
  if (!existsSync(place) || !existsSync('/proc/mounts')) return false
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, point]) => point === place)
  const { bavail, bsize } = statfsSync(place)
  return mount?.[3]?.split(',').includes('noexec') === false && bavail * bsize >= ROOM
}

/** Directories of runs that were killed. */
function removeAbandoned(place: string): void {
  for (const name of readdirSync(place).filter((entry) => entry.startsWith(PREFIX))) {
    const owner = name.slice(PREFIX.length).split('-')[0]
    if (!existsSync(`/proc/${owner}`)) rmSync(join(place, name), { recursive: true, force: true })
  }
}

/** Stops the PostgreSQL servers whose data directory is below the directory. */
async function stopServers(root: string): Promise<void> {
  for (const cluster of readdirSync(root)) {
    const file = join(root, cluster, 'data', 'postmaster.pid')
    if (!existsSync(file)) continue
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
    process.kill(pid, 'SIGQUIT')
    for (let tries = 0; tries < 100 && existsSync(`/proc/${pid}`); tries++) await sleep(50)
  }
}
