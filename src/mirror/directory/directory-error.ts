import { AuditError, errnoOf } from '../../base/errors.js'

const DENIED: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS'])

/** A failure of the file system at the mirror at `url`. What is an AuditError, or the signal's reason, stays as it is. */
export function directoryError(url: string, what: string, error: unknown, signal: AbortSignal): unknown {
  if (error instanceof AuditError || (signal.aborted && error === signal.reason)) return error
  const errno = errnoOf(error)
  const code = DENIED.has(errno) ? 'mirror_permission_denied' : 'mirror_unavailable'
  return new AuditError(code, `mirror ${url}: ${what} (${errno})`)
}
