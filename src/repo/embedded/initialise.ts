import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AuditError } from '../../base/errors.js'
import type { Binaries } from './binaries.js'
import { DATABASE, EMBEDDED_MAJOR, type HomePaths } from './home-paths.js'
import { isAlive } from './live.js'
import { type Ended, lastLines, run } from './program.js'

const UNFINISHED = 'new-'

/** The server trusts every client that reaches the socket. The mode of the socket's directory is what guards it. */
const CLUSTER = ['-U', 'postgres', '-A', 'trust', '--locale=C', '--encoding=UTF8', '--data-checksums']
/** 512 MB hold the indexes of about 800,000 entries, and memory is used only as they grow. Beyond that, appends slow down. */
const TUNING = ['-c', 'max_connections=200', '-c', 'shared_buffers=512MB', '-c', 'max_wal_size=2GB']

/**
 * Creates the data directory with the database, unless it exists. The directory is built under another name, synced, and
 * then renamed. So a data directory is complete whenever this process dies, and of two concurrent processes one wins.
 * Rejects with `embedded_unavailable`, and then leaves nothing behind.
 */
export async function initialise(paths: HomePaths, binaries: Binaries, signal?: AbortSignal): Promise<void> {
  await removeUnfinished(paths)
  if (await majorOf(paths)) return
  const dir = join(paths.dir, `${UNFINISHED}${process.pid}-${randomBytes(4).toString('hex')}`)
  try {
    await build(dir, binaries, signal)
    await moveToDataDir(dir, paths)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Returns the major version of the data directory, or undefined without a data directory. Rejects if it cannot be read. */
export async function majorOf(paths: HomePaths): Promise<string | undefined> {
  const major = await readFile(join(paths.data, 'PG_VERSION'), 'utf8').catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return ''
      const advice = { code: 'choose_other_home' } as const
      throw new AuditError('embedded_unavailable', `cannot read ${paths.data}: ${cause.code}`, {
        advice,
        cause,
      })
    },
  )
  return major.trim() || undefined
}

/** Throws if the server of this program cannot open a data directory of this major version. */
export function checkMajor(paths: HomePaths, major: string): void {
  if (major === EMBEDDED_MAJOR) return
  const message = `${paths.data} belongs to PostgreSQL ${major}, but this program has PostgreSQL ${EMBEDDED_MAJOR}`
  throw new AuditError('embedded_unavailable', message, {
    advice: { code: 'choose_other_home_or_older_audit' },
  })
}

/**
 * Builds a data directory. --no-sync and -F write without fsync, and --sync-only then syncs every file once, which takes
 * half the time of syncing throughout.
 */
async function build(dir: string, binaries: Binaries, signal: AbortSignal | undefined): Promise<void> {
  const { initdb, postgres } = binaries
  const options = { signal }
  await mkdir(dir, { mode: 0o700 })
  const args = ['-D', dir, '--no-sync', '--no-instructions', ...CLUSTER, ...TUNING]
  succeeded('initdb', await run(initdb, args, options))
  const single = ['--single', '-F', '-D', dir, 'postgres']
  const created = await run(postgres, single, { ...options, input: `CREATE DATABASE ${DATABASE}\n` })
  // A single-user server continues after a failed statement, and exits with 0.
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

async function moveToDataDir(dir: string, paths: HomePaths): Promise<void> {
  try {
    await rename(dir, paths.data)
  } catch (error) {
    // Another process was faster, and its directory serves as well.
    if (await majorOf(paths)) return
    throw new AuditError('embedded_unavailable', `cannot create a new database at ${paths.data}`, {
      advice: { code: 'choose_other_home_or_move_directory' },
      cause: error,
    })
  }
  const parent = await open(paths.dir)
  await parent.sync().finally(() => parent.close())
}

/**
 * Removes the directories that killed processes left. A process that still lives may be using its directory, even if it
 * lost the start lock.
 */
async function removeUnfinished(paths: HomePaths): Promise<void> {
  const names = (await readdir(paths.dir)).filter((name) => name.startsWith(UNFINISHED))
  const dead = names.filter((name) => !isAlive(Number(name.split('-')[1])))
  // An initdb that outlived its killed parent may still add files. The next start removes what remains.
  await Promise.allSettled(dead.map((name) => rm(join(paths.dir, name), { recursive: true, force: true })))
}
