import { AuditError } from '../base/errors.js'

/** Resolves with the error where a store refuses a call for want of a permission. */
export async function orDenied<T>(call: Promise<T>): Promise<T | AuditError> {
  try {
    return await call
  } catch (error) {
    if (error instanceof AuditError && error.code === 'mirror_permission_denied') return error
    throw error
  }
}
