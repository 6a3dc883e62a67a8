import { AuditError, type ErrorCode } from '../../base/errors.js'

/**
 * For what an adapter rejects with: an error of a library that it has not named counts as out of reach, and nothing is
 * served. What neither a library nor a network throws stays a bug.
 */
export function asUnavailable(code: ErrorCode): (error: unknown) => never {
  return (error) => {
    const isOurs = error instanceof AuditError || error instanceof TypeError || error instanceof RangeError
    throw isOurs ? error : new AuditError(code, 'it could not be asked', { cause: error })
  }
}
