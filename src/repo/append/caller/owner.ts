import { randomUUID } from 'node:crypto'
import { EQ, MINUS } from '../qualified-names.js'
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

/** An SQL expression, as JSON, that counts one step of the owner: it lengthens the setting. */
export const STEP = `pg_catalog.to_json(pg_catalog.set_config('${OWNER}',
    pg_catalog.concat(pg_catalog.current_setting('${OWNER}', true), '+'), true))::pg_catalog.text`

/** Returns an SQL condition that the savepoint is that of this call, after so many steps. */
export function isOwner(owner: string, done = 0): string {
  return `pg_catalog.current_setting('${OWNER}', true) ${EQ} '${owner}${'+'.repeat(done)}'`
}

/** Returns an SQL expression for the steps of this call. */
export function steps(owner: string): string {
  return `greatest(pg_catalog.length(pg_catalog.current_setting('${OWNER}', true)) ${MINUS} ${owner.length}, 0)`
}

/** Returns a statement that fails where the savepoint is not that of this call. */
export function ownerStatement(owner: string): string {
  return `SELECT ${failing(isOwner(owner), OTHER_CALL, '0', '1')}`
}
