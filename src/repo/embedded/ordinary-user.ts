import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { AuditError } from '../../base/errors.js'

/**
 * The command line that PostgreSQL's programs are started with. They refuse to run as root, and initdb as a user that
 * /etc/passwd does not know; another user could not reach a home of mode 0700. In a user namespace the same user bears
 * another number and still owns its files.
 */
export function asOrdinaryUser(program: string, args: readonly string[]): [string, ...string[]] {
  if (isOrdinaryUser()) return [program, ...args]
  const id = knownUserId()
  return ['unshare', '--user', `--map-user=${id}`, `--map-group=${id}`, '--', program, ...args]
}

/** The two ways out where there is no user namespace to be had. */
export function namespaceRefused(reason: string): AuditError {
  const uid = process.getuid?.()
  return new AuditError(
    'embedded_unavailable',
    `PostgreSQL does not run as this user (uid ${uid}), and a user namespace cannot be made here: ${reason}`,
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

/** 65534 is what the kernel shows for every user outside the namespace: it would make their files look like ours. */
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
