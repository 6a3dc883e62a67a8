import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AuditError } from '../../base/errors.js'
import type { Binaries } from './binaries.js'
import { isAlive } from './live.js'
import { DATABASE, EMBEDDED_MAJOR, type Place } from './place.js'
import { type Ended, lastLines, run } from './program.js'

const UNFINISHED = 'new-'

/** Whoever reaches the socket is let in: the mode of the directory that holds it is what guards it. */
const CLUSTER = ['-U', 'postgres', '-A', 'trust', '--locale=C', '--encoding=UTF8', '--data-checksums']
/** 512 MB hold the indexes of some 800,000 entries; memory is only taken as they grow. Appends slow down once they do not. */
const TUNING = ['-c', 'max_connections=200', '-c', 'shared_buffers=512MB', '-c', 'max_wal_size=2GB']

/**
 * Makes the data directory, the database within it, where there is none yet. It is built beside its place, synced, and
 * renamed there: a directory at its place is complete, whenever this process dies, and of two processes one wins.
 * Rejects with `embedded_unavailable`, and then leaves nothing behind.
 */
export async function initialise(place: Place, binaries: Binaries, signal?: AbortSignal): Promise<void> {
  await removeUnfinished(place)
  if (await majorOf(place)) return
  const dir = join(place.dir, `${UNFINISHED}${process.pid}-${randomBytes(4).toString('hex')}`)
  try {
    await build(dir, binaries, signal)
    await putInPlace(dir, place)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** The major version that a data directory is of, undefined where there is none. Rejects for another one than ours. */
export async function majorOf(place: Place): Promise<string | undefined> {
  const major = await readFile(join(place.data, 'PG_VERSION'), 'utf8').catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return ''
      throw new AuditError('embedded_unavailable', `cannot read ${place.data}: ${cause.code}`, { cause })
    },
  )
  return major.trim() || undefined
}

/** Throws for a data directory that the server we have cannot open. */
export function checkMajor(place: Place, major: string): void {
  if (major === EMBEDDED_MAJOR) return
  const message = `${place.data} is of PostgreSQL ${major}, and this program brings PostgreSQL ${EMBEDDED_MAJOR}`
  throw new AuditError('embedded_unavailable', message, {
    advice: { code: 'choose_other_home_or_older_audit' },
  })
}

/** --no-sync and -F write without fsync, --sync-only then syncs every file once: half the time of syncing throughout. */
async function build(dir: string, binaries: Binaries, signal: AbortSignal | undefined): Promise<void> {
  const { initdb, postgres } = binaries
  const options = { signal }
  await mkdir(dir, { mode: 0o700 })
  const args = ['-D', dir, '--no-sync', '--no-instructions', ...CLUSTER, ...TUNING]
  succeeded('initdb', await run(initdb, args, options))
  const single = ['--single', '-F', '-D', dir, 'postgres']
  const created = await run(postgres, single, { ...options, input: `CREATE DATABASE ${DATABASE}\n` })
  // A single-user server goes on after a statement that failed, and ends with 0.
  succeeded(
    'CREATE DATABASE',
    /\b(ERROR|FATAL|PANIC):/.test(created.output) ? { ...created, status: 1 } : created,
  )
  succeeded('initdb --sync-only', await run(initdb, ['--sync-only', '-D', dir], options))
}

function succeeded(what: string, { status, output }: Ended): void {
  if (status === 0) return
  throw new AuditError('embedded_unavailable', `${what} failed (exit ${status}): ${lastLines(output)}`, {
    advice: { code: 'choose_other_home_or_make_space' },
  })
}

async function putInPlace(dir: string, place: Place): Promise<void> {
  try {
    await rename(dir, place.data)
  } catch (error) {
    // Another process was first: its directory is as good as ours.
    if (await majorOf(place)) return
    throw new AuditError('embedded_unavailable', `cannot put a new database at ${place.data}`, {
      advice: { code: 'choose_other_home_or_move_directory' },
      cause: error,
    })
  }
  const parent = await open(place.dir)
  await parent.sync().finally(() => parent.close())
}

/** What a process that was killed left. One that still lives may be at work there: its lock was lost, not its life. */
async function removeUnfinished(place: Place): Promise<void> {
  const names = (await readdir(place.dir)).filter((name) => name.startsWith(UNFINISHED))
  const dead = names.filter((name) => !isAlive(Number(name.split('-')[1])))
  // An initdb that outlived its killed parent may still add files; what remains is removed the next time.
  await Promise.allSettled(dead.map((name) => rm(join(place.dir, name), { recursive: true, force: true })))
}
