import { textProblem } from '../chain/limits.js'
import { AuditError } from './errors.js'

/** Limit in bytes of UTF-8. */
const REASON_BYTES = 1024

/** Returns the reason that a person gives for an action. Throws `invalid_input` for a blank, long or malformed one. */
export function checkedReason(reason: string): string {
  const problem = reason.trim() === '' ? 'expected a text' : textProblem(reason, 1, REASON_BYTES)
  if (problem !== undefined) throw new AuditError('invalid_input', `reason: ${problem}`)
  return reason
}
