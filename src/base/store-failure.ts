import { AuditError, type ErrorCode } from './errors.js'

/** The stores fail with these codes in the middle of a scan. */
const STORE_CODES: ReadonlySet<ErrorCode> = new Set([
  'mirror_unavailable',
  'mirror_permission_denied',
  'database_unavailable',
  'database_permission_denied',
  'database_failed',
  'lock_timeout',
])

/** Returns an error where it is the failure of a store, and undefined for any other. */
export function storeFailure(error: unknown): AuditError | undefined {
  return error instanceof AuditError && STORE_CODES.has(error.code) ? error : undefined
}

/** Returns an error where it says that a mirror could not be read, and undefined for any other. */
export function mirrorFailure(error: unknown): AuditError | undefined {
  const broken = storeFailure(error)
  return broken?.code.startsWith('mirror_') === true ? broken : undefined
}

/** Returns what a scan found before a store failed. Throws `error` where it found nothing, and for any other failure. */
export function foundBefore<T>(error: unknown, found: (broken: AuditError) => T | undefined): T {
  const broken = storeFailure(error)
  const scan = broken === undefined ? undefined : found(broken)
  if (scan === undefined) throw error
  return scan
}
