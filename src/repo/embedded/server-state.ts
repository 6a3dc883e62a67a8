import { execFile } from 'node:child_process'
import { readFile, readlink, realpath } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import { AuditError } from '../../base/errors.js'
import type { HomePaths } from './home-paths.js'

/** Lines 1 and 8 of postmaster.pid, the file that a running server keeps in its data directory. */
interface PidFile {
  readonly pid: number
  readonly ready: boolean
}

/**
 * Returns whether the server accepts connections: postmaster.pid says so, and the socket answers. The file alone is not
 * enough, because a crash may have left it behind. Takes less than a millisecond, without a subprocess or a session.
 */
export async function isReady(paths: HomePaths): Promise<boolean> {
  const file = await readPidFile(paths)
  return file?.ready === true && (await accepts(paths.socket))
}

/** Returns the process id of the server on this data directory, whatever its state; undefined without one. */
export async function serverPid(paths: HomePaths): Promise<number | undefined> {
  const file = await readPidFile(paths)
  return file !== undefined && (await isServerOf(file.pid, paths)) ? file.pid : undefined
}

/** Reads postmaster.pid. The process that it names may be dead. */
export async function readPidFile(paths: HomePaths): Promise<PidFile | undefined> {
  const text = await readFile(paths.pidFile, 'utf8').catch(() => '')
  const lines = text.split('\n')
  const pid = Number(lines[0])
  return pid > 0 ? { pid, ready: lines[7]?.trim() === 'ready' } : undefined
}

function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket)
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
    connection.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EACCES') reject(forbidden(socket, cause))
      // EAGAIN means that a server listens, and that its queue of connections is full.
      else resolve(cause.code === 'EAGAIN')
    })
  })
}

function forbidden(socket: string, cause: Error): AuditError {
  return new AuditError('embedded_unavailable', `no permission to connect to ${socket}`, {
    advice: { code: 'choose_other_home_or_be_server_owner' },
    cause,
  })
}

/**
 * Returns whether a process is the server of this data directory. The number alone does not prove that. After a crash of
 * the machine, or a restart of a container, another process may have the number, and a zombie keeps its number.
 */
export async function isServerOf(pid: number, paths: HomePaths): Promise<boolean> {
  if (process.platform !== 'linux') return isPostgres(pid)
  const directories = await Promise.all([readlink(`/proc/${pid}/cwd`), realpath(paths.data)]).catch(() => [])
  return directories.length === 2 && directories[0] === directories[1]
}

/** Compares the name of the program: without /proc there is no simple way to read its working directory. */
async function isPostgres(pid: number): Promise<boolean> {
  const args = ['-p', String(pid), '-o', 'comm=']
  const { stdout } = await promisify(execFile)('ps', args).catch(() => ({ stdout: '' }))
  return basename(stdout.trim()) === 'postgres'
}
