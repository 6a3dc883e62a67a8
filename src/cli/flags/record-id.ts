import { AuditError } from '../../base/errors.js'
import { positiveInteger } from '../../base/positive-integer.js'

/** Returns the id of a numbered record. Throws `usage` for any other text. */
export function parseRecordId(kind: 'legal hold' | 'quarantine record', text: string): number {
  const id = positiveInteger(text)
  if (id !== undefined) return id
  throw new AuditError('usage', `expected the id of a ${kind}, a number from 1`)
}
