import type { AuditError } from '../../base/errors.js'
import { safe } from '../output/safe-text.js'

/** Returns the note about a mirror that may only be written. */
export function unreadableText(error: AuditError): string {
  return safe`note: ${error.message}: it is unknown whether this is the mirror of this database; allow reading audit/mirror.json`
}

/** Returns the warning about a mirror whose marker may not be written. */
export function unwritableText(error: AuditError): string {
  return safe`warning: ${error.message}: the mirror gets no marker; it holds the row that was archived last, so rows are archived to it; allow writing audit/mirror.json (s3:PutObject)`
}

/** Returns the line about a marker that was written. */
export function markedText(url: string, how: 'begun' | 'adopted'): string {
  return how === 'begun'
    ? safe`began the mirror ${url}`
    : safe`adopted the mirror ${url}: it holds the row that was archived last, and has a marker now`
}
