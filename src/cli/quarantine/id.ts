import { AuditError } from '../../base/errors.js'

/** Reads the id of a quarantine record. Throws `usage` for anything else. */
export function parseQuarantineId(text: string): number {
  const id = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0
  if (Number.isSafeInteger(id) && id >= 1) return id
  throw new AuditError('usage', 'expected the id of a quarantine record, a number from 1')
}
