import { AuditError } from '../../../base/errors.js'
import type { CallerClient } from '../../../ports/append.js'
import { send } from './caller-client.js'
import { callerError, hasSavepoint, isConnectionLost } from './caller-error.js'
import { failureOf } from './failing.js'
import { OTHER_CALL, ownerStatement } from './owner.js'
import { FORGET } from './personal-data.js'
import { serverError } from './server-error.js'

/**
 * The locks are taken in a first savepoint, which ends before the second one begins, so that no rollback frees them. The name
 * is always the same, because pg_stat_statements keeps an entry for each text of a SAVEPOINT. {@link ownerStatement} finds
 * another savepoint of this name.
 */
export const SAVEPOINT = 'SAVEPOINT audit_record_in'
export const RELEASE = 'RELEASE SAVEPOINT audit_record_in'
const UNDO = ['ROLLBACK TO SAVEPOINT audit_record_in', RELEASE, FORGET]

const NO_SAVEPOINT = '3B001'

/**
 * Returns the statements that begin each query after the first one. They fail before a row is written where the transaction
 * of the caller has ended (RELEASE outside of a transaction), where another one has begun (no savepoint), and where another
 * call used the same connection meanwhile.
 */
export function ownerStatements(owner: string): string[] {
  return [RELEASE, SAVEPOINT, ownerStatement(owner)]
}

/**
 * Ends the savepoint of a call that has failed, and returns the error to reject with. Rolls back only what a statement of
 * this call did: the savepoint may be one of another call that has resolved.
 */
export async function endSavepoint(client: CallerClient, error: unknown): Promise<AuditError> {
  if (!hasSavepoint(error)) return callerError(error)
  const { code } = serverError(error)
  if (code === NO_SAVEPOINT || failureOf(error)?.table === OTHER_CALL) return intruded(error)
  try {
    await send(client, code === '' && error instanceof AuditError ? [RELEASE] : UNDO)
  } catch (undoError) {
    return isConnectionLost(error) || isConnectionLost(undoError)
      ? callerError(error)
      : notUndone(error, undoError)
  }
  return callerError(error)
}

function intruded(cause: unknown): AuditError {
  return new AuditError(
    'rollback_required',
    'recordIn: another statement or call on this connection ended the savepoint of this call, or used the same one; nothing of this call is stored',
    { cause, advice: { code: 'never_commit' } },
  )
}

function notUndone(cause: unknown, undoError: unknown): AuditError {
  const undo = undoError instanceof Error ? undoError.message : String(undoError)
  return new AuditError(
    'rollback_required',
    `recordIn: ${callerError(cause).message}; to roll back to the savepoint failed too (${undo}), so a COMMIT may store a part of the transaction`,
    { cause, advice: { code: 'never_commit' } },
  )
}
