import { AuditError } from '../../base/errors.js'

/** Parses the value of a flag with a feature's parser. An error of the parser gets the name of the flag in front. */
export function flagValue<T>(flag: `--${string}`, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    const { code, message, advice, hint } = error
    throw new AuditError(code, `${flag}: ${message}`, { advice, hint, cause: error })
  }
}
