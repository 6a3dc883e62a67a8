import type { ErrorCode } from '../base/errors.js'

/** The codes with which a chain refuses a row after its registry entry, head, genesis row or tail was tampered with. */
const CANNOT_TAKE_A_ROW: ReadonlySet<ErrorCode> = new Set([
  'residency_unknown',
  'chain_conflict',
  'pepper_mismatch',
  'database_failed',
])

/** Returns whether a row may have been refused with this code because its chain is damaged. */
export function isChainDamaged(code: ErrorCode): boolean {
  return CANNOT_TAKE_A_ROW.has(code)
}
