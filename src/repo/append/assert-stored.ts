import { AuditError } from '../../base/errors.js'

/**
 * Throws where rows were not stored although no statement failed: a trigger may return NULL, and a rule may do something
 * else. A row that is not stored must not be acknowledged.
 */
export function assertStored(table: string, stored: number | null, given: number): void {
  if (stored !== given) throw notStored(table, stored, given)
}

/** Returns the error of {@link assertStored}. */
export function notStored(table: string, stored: number | null, given: number): AuditError {
  return new AuditError(
    'database_failed',
    `Postgres stored ${stored ?? 0} of ${given} rows in ${table}; nothing was appended`,
    { advice: { code: 'find_withholding_trigger' } },
  )
}
