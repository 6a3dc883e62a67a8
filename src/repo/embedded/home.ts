import { chmod, mkdir, stat } from 'node:fs/promises'
import { AuditError } from '../../base/errors.js'

/**
 * Makes a directory, and what leads to it, that only this user can enter. Rejects with `embedded_unavailable`, also
 * where it is another user's: root would leave files there that its owner cannot open any more.
 */
export async function makePrivate(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    throw new AuditError('embedded_unavailable', `cannot make ${dir}: ${cause.code}`, {
      advice: { code: 'choose_other_home' },
      cause,
    })
  })
  const { uid, mode } = await stat(dir)
  if (process.getuid !== undefined && uid !== process.getuid()) {
    const message = `${dir} belongs to uid ${uid}, and this is uid ${process.getuid()}`
    throw new AuditError('embedded_unavailable', message, {
      advice: { code: 'choose_other_home_or_be_owner' },
    })
  }
  if ((mode & 0o077) !== 0) await chmod(dir, 0o700)
}
