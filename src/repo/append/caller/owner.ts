import { randomUUID } from 'node:crypto'
import { EQ } from '../qualified-names.js'
import { failing } from './failing.js'

const OWNER = 'audit.record_in'

/** The name of the check that fails where the savepoint is that of another call. */
export const OTHER_CALL = 'another_call'

/** Returns a new id for one try of a call. */
export function newOwner(): string {
  return randomUUID()
}

/** Returns an SQL expression that makes a call the owner of the savepoint. It is a setting of the transaction. */
export function takeOwnership(owner: string): string {
  return `pg_catalog.set_config('${OWNER}', '${owner}', true)`
}

/** Returns a statement that fails where the savepoint is not that of this call. */
export function ownerStatement(owner: string): string {
  const isOwner = `pg_catalog.current_setting('${OWNER}', true) ${EQ} '${owner}'`
  return `SELECT ${failing(isOwner, OTHER_CALL, '0', '1')}`
}
