import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { AuditError } from '../../base/errors.js'

/**
 * Returns the command line that starts a program of PostgreSQL. The programs refuse to run as root, and initdb also as a
 * user that /etc/passwd does not list. Running as another user is no way out: that user could not enter a home of mode
 * 0700. In a user namespace the same user has another number, and still owns its files.
 */
export function asOrdinaryUser(program: string, args: readonly string[]): [string, ...string[]] {
  if (isOrdinaryUser()) return [program, ...args]
  const id = knownUserId()
  return ['unshare', '--user', `--map-user=${id}`, `--map-group=${id}`, '--', program, ...args]
}

/** Returns the error for a system that allows no user namespace. */
export function namespaceRefused(reason: string): AuditError {
  const uid = process.getuid?.()
  return new AuditError(
    'embedded_unavailable',
    `PostgreSQL does not run as this user (uid ${uid}), and a user namespace cannot be created: ${reason}`,
    {
      advice: { code: 'use_own_database_or_ordinary_user' },
    },
  )
}

function isOrdinaryUser(): boolean {
  if (process.getuid?.() === 0) return false
  try {
    userInfo()
    return true
  } catch {
    return false
  }
}

/**
 * Returns a user id to map to. 65534 is the last resort: the kernel shows it for every user outside the namespace, so
 * their files would look like those of this user.
 */
function knownUserId(): number {
  return passwdUserIds().findLast((id) => id > 0 && id < 65_534) ?? 65_534
}

function passwdUserIds(): number[] {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
    return lines.map((line) => Number(line.split(':')[2])).filter(Number.isInteger)
  } catch {
    return []
  }
}
