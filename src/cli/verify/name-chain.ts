import { AuditError } from '../../base/errors.js'

/** Returns an error whose message names the chain: where several are verified, a mirror's error alone does not say which failed. */
export function namingChain(error: unknown, domainId: string): unknown {
  if (!(error instanceof AuditError) || error.message.includes(domainId)) return error
  const { code, message, advice, hint } = error
  return new AuditError(code, `chain ${domainId}: ${message}`, { advice, hint, cause: error })
}
