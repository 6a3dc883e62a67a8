import { AuditError, type ErrorCode } from '../../base/errors.js'

/**
 * Returns a rejection handler for an adapter. An error of a library that the adapter did not name becomes `code`, so that
 * nothing is served. An error that neither a library nor a network throws stays a bug.
 */
export function asUnavailable(code: ErrorCode): (error: unknown) => never {
  return (error) => {
    const isOurs = error instanceof AuditError || error instanceof TypeError || error instanceof RangeError
    throw isOurs ? error : new AuditError(code, 'the service could not be asked', { cause: error })
  }
}
