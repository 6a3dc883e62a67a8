import { chmod, mkdir, stat } from 'node:fs/promises'
import { AuditError } from '../../base/errors.js'

/**
 * Creates a directory, with its parents, that only this user can enter. Rejects with `embedded_unavailable`, also if the
 * directory belongs to another user: root would leave files in it that the owner could not open any more.
 */
export async function makePrivate(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    throw new AuditError('embedded_unavailable', `cannot create ${dir}: ${cause.code}`, {
      advice: { code: 'choose_other_home' },
      cause,
    })
  })
  const { uid, mode } = await stat(dir)
  if (process.getuid !== undefined && uid !== process.getuid()) {
    const message = `${dir} belongs to uid ${uid}, but this process runs as uid ${process.getuid()}`
    throw new AuditError('embedded_unavailable', message, {
      advice: { code: 'choose_other_home_or_be_owner' },
    })
  }
  if ((mode & 0o077) !== 0) await chmod(dir, 0o700)
}
