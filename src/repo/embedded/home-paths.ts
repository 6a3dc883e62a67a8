import { join, resolve } from 'node:path'
import { AuditError } from '../../base/errors.js'

/** The absolute paths that the PostgreSQL of one home uses. */
export interface HomePaths {
  readonly home: string
  /** Mode 0700. It also holds the socket, so that only the owner reaches a server that trusts every client. */
  readonly dir: string
  readonly data: string
  readonly socket: string
  readonly log: string
  readonly lock: string
  readonly pidFile: string
}

export const DATABASE = 'audit'

/** The major version of the optional packages that package.json pins. */
export const EMBEDDED_MAJOR = '18'

/** A socket address holds a path of 108 bytes on Linux and 104 on macOS, including the closing NUL. */
const SOCKET_PATH_LIMIT = process.platform === 'linux' ? 107 : 103
const SOCKET_NAME = '.s.PGSQL.5432'

/** Returns the paths of a home. Throws `embedded_unavailable` if the path of the socket would be too long. */
export function homePaths(home: string): HomePaths {
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

/**
 * Returns the URL of the database in a home, whether the server runs or not: superuser, Unix socket, no password. Both pg
 * and psql take this URL.
 */
export function embeddedUrl(home: string): string {
  return `postgresql://postgres@/${DATABASE}?host=${encodeURIComponent(homePaths(home).dir)}`
}

function tooLong(socket: string, bytes: number): AuditError {
  const most = SOCKET_PATH_LIMIT - `/postgres/${SOCKET_NAME}`.length
  return new AuditError(
    'embedded_unavailable',
    `the path of the home is too long: ${socket} has ${bytes} bytes, a Unix socket's path at most ${SOCKET_PATH_LIMIT}`,
    { advice: { code: 'shorten_home', bytes: most } },
  )
}
