import type { ErrorCode } from '../base/errors.js'

/**
 * The codes with which an append to a chain fails after somebody tampered with its registry entry, head, genesis row or
 * tail. `database_failed` is one of them: a CHECK, trigger or column that was changed by hand fails with an SQL error.
 */
const CODES_OF_DAMAGED_CHAIN: ReadonlySet<ErrorCode> = new Set([
  'residency_unknown',
  'chain_conflict',
  'pepper_mismatch',
  'database_failed',
])

/** Returns whether damage to the chain is a possible reason for this code. Other reasons are possible too. */
export function mayBeDamagedChain(code: ErrorCode): boolean {
  return CODES_OF_DAMAGED_CHAIN.has(code)
}
