import { join, resolve } from 'node:path'
import { AuditError } from '../../base/errors.js'

/** Where the PostgreSQL of one home keeps its things; all absolute. */
export interface Place {
  readonly home: string
  /** Mode 0700; holds the socket too, so that only its owner reaches a server that trusts whoever connects. */
  readonly dir: string
  readonly data: string
  readonly socket: string
  readonly log: string
  readonly lock: string
  readonly pidFile: string
}

export const DATABASE = 'audit'

/** Of the optional packages pinned in package.json. */
export const EMBEDDED_MAJOR = '18'

/** sun_path of a socket address holds 108 bytes on Linux and 104 on macOS, the closing NUL among them. */
const SOCKET_PATH_LIMIT = process.platform === 'linux' ? 107 : 103
const SOCKET_NAME = '.s.PGSQL.5432'

/** Throws `embedded_unavailable` for a home so long that its socket could not be connected to. */
export function placeOf(home: string): Place {
  const dir = join(resolve(home), 'postgres')
  const data = join(dir, 'data')
  const socket = join(dir, SOCKET_NAME)
  const bytes = Buffer.byteLength(socket)
  if (bytes > SOCKET_PATH_LIMIT) throw tooLong(socket, bytes)
  const [log, lock, pidFile] = [
    join(dir, 'server.log'),
    join(dir, 'start.lock'),
    join(data, 'postmaster.pid'),
  ]
  return { home: resolve(home), dir, data, socket, log, lock, pidFile }
}

/** The URL of the database in a home, running or not: superuser, Unix socket, no password; for pg and psql alike. */
export function embeddedUrl(home: string): string {
  return `postgresql://postgres@/${DATABASE}?host=${encodeURIComponent(placeOf(home).dir)}`
}

function tooLong(socket: string, bytes: number): AuditError {
  const most = SOCKET_PATH_LIMIT - `/postgres/${SOCKET_NAME}`.length
  return new AuditError(
    'embedded_unavailable',
    `the home is too long a path: ${socket} has ${bytes} bytes, and a Unix socket's path may have ${SOCKET_PATH_LIMIT}`,
    { advice: { code: 'shorten_home', bytes: most } },
  )
}
