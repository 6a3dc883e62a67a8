import { AuditError, type ErrorCode } from '../../base/errors.js'

/** An error of the command line itself, with a hint in the words of the command line. */
export class CommandError extends AuditError {
  constructor(code: ErrorCode, message: string, hint: string | undefined, cause?: unknown) {
    super(code, message, { hint, cause })
  }
}
