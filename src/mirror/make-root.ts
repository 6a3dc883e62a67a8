import { access, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AuditError, errnoOf } from '../base/errors.js'
import { parseMirrorUrl } from './mirror-url.js'

/**
 * Creates the last folder of the path of a mirror in a directory, where it is missing. Its parents must exist: otherwise the
 * path is mistyped, or not mounted. Does nothing for a bucket.
 */
export async function makeRoot(url: string): Promise<void> {
  const location = parseMirrorUrl(url)
  if (location.kind !== 'directory') return
  const { path } = location
  try {
    await access(dirname(path))
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EEXIST') return
    const reason = errno === 'ENOENT' ? 'the folder above it does not exist (not mounted?)' : errno
    const code = errno === 'EACCES' || errno === 'EROFS' ? 'mirror_permission_denied' : 'mirror_unavailable'
    throw new AuditError(code, `mirror ${url} cannot be created: ${reason}`)
  }
}
