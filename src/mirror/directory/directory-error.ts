import { AuditError, errnoOf } from '../../base/errors.js'

const DENIED: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS'])

/** Returns the error for a failure of the file system. Returns an AuditError and the signal's reason unchanged. */
export function directoryError(url: string, what: string, error: unknown, signal: AbortSignal): unknown {
  if (error instanceof AuditError || (signal.aborted && error === signal.reason)) return error
  const errno = errnoOf(error)
  if (errno === 'ENOENT') {
    return new AuditError(
      'mirror_unavailable',
      `mirror ${url} does not exist (not mounted?): ${what} (${errno})`,
      { advice: { code: 'mount_mirror' } },
    )
  }
  const code = DENIED.has(errno) ? 'mirror_permission_denied' : 'mirror_unavailable'
  return new AuditError(code, `mirror ${url}: ${what} (${errno})`)
}
