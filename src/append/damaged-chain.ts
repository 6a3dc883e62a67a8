import type { ErrorCode } from '../base/errors.js'

/** How a chain refuses a row when its registry entry, its head, its genesis row or its tail was tampered with. */
const CANNOT_TAKE_A_ROW: ReadonlySet<ErrorCode> = new Set([
  'residency_unknown',
  'chain_conflict',
  'pepper_mismatch',
  'database_failed',
])

/** Whether a row that was refused with this code may be one that the chain is too damaged to take. */
export function isChainDamaged(code: ErrorCode): boolean {
  return CANNOT_TAKE_A_ROW.has(code)
}
