import { execFile } from 'node:child_process'
import { readFile, readlink, realpath } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import { AuditError } from '../../base/errors.js'
import type { Place } from './place.js'

/** What postmaster.pid says: lines 1 and 8 of the file that a running server keeps in its data directory. */
interface PidFile {
  readonly pid: number
  readonly ready: boolean
}

/**
 * Whether the server takes connections: it says so itself, and its socket answers. Below a millisecond; no subprocess,
 * no session. A file left behind by a crash says so as well, which is why the socket is asked.
 */
export async function isReady(place: Place): Promise<boolean> {
  const file = await readPidFile(place)
  return file?.ready === true && (await accepts(place.socket))
}

/** The process of the server on this data directory, in whatever state it is; undefined where there is none. */
export async function serverPid(place: Place): Promise<number | undefined> {
  const file = await readPidFile(place)
  return file !== undefined && (await isServerOf(file.pid, place)) ? file.pid : undefined
}

/** The number in postmaster.pid, of a live process or of none. */
export async function readPidFile(place: Place): Promise<PidFile | undefined> {
  const text = await readFile(place.pidFile, 'utf8').catch(() => '')
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
      // EAGAIN: there is a server, and its queue of connections is full.
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
 * Whether a process is the server of this data directory. The number alone does not tell: after a crash of the machine,
 * or a restart of a container, another process bears it, and a dead server that nobody reaped still has it.
 */
async function isServerOf(pid: number, place: Place): Promise<boolean> {
  if (process.platform !== 'linux') return isPostgres(pid)
  const directories = await Promise.all([readlink(`/proc/${pid}/cwd`), realpath(place.data)]).catch(() => [])
  return directories.length === 2 && directories[0] === directories[1]
}

/** Without /proc the working directory is hard to come by, and the name of the program has to do. */
async function isPostgres(pid: number): Promise<boolean> {
  const args = ['-p', String(pid), '-o', 'comm=']
  const { stdout } = await promisify(execFile)('ps', args).catch(() => ({ stdout: '' }))
  return basename(stdout.trim()) === 'postgres'
}
