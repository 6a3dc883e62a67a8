import { fileURLToPath } from 'node:url'
import { AuditError } from '../errors.js'

/**
 * The path of a `file:///path` pepper source. Throws `usage` for anything else; the message shows no more of it than
 * its scheme, for whoever mistakes the flag may have put the secret itself there.
 */
export function parsePepperUrl(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]{0,15}):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === 'openbao') throw usage('openbao:// is not built yet: expected file:///path')
  // new URL reads file:key and file://key as well, and finds quite another path in them.
  if (scheme !== 'file' || !/^file:\/\/\//i.test(text)) throw usage('expected file:///path')
  return pathOf(text)
}

function pathOf(text: string): string {
  if (/[?#]/.test(text)) throw usage('expected file:///path without ? or #, written %3F and %23 in a path')
  const path = decoded(text)
  if (path.includes('\0') || path.endsWith('/')) throw usage('expected file:///path of a file')
  return path
}

function decoded(text: string): string {
  try {
    return fileURLToPath(text)
  } catch {
    throw usage('expected file:///path with well-formed percent escapes')
  }
}

function usage(problem: string): AuditError {
  return new AuditError('usage', `--pepper (AUDIT_PEPPER): ${problem}`)
}
