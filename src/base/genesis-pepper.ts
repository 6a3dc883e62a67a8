import { GENESIS_SUBJECT } from '../chain/self-audit.js'
import type { PlainAdvice } from './advice.js'
import { AuditError } from './errors.js'
import { nodePseudonym } from './node-hasher.js'

/** Returns the pseudonym that the genesis row of a chain carries when the chain was begun with this pepper. */
export function genesisPseudonym(pepper: Uint8Array): string {
  return nodePseudonym(pepper, GENESIS_SUBJECT)
}

/**
 * Throws `pepper_mismatch` unless a chain's genesis row carries the pseudonym that a pepper gives. Another pepper would
 * give every person a second pseudonym, and a search by the first one would find nothing. The caller decides what a
 * missing genesis row means.
 */
export function assertFirstPepper(
  domainId: string,
  stored: string | undefined,
  ofPepper: string | undefined,
  advice: PlainAdvice,
): void {
  if (stored !== undefined && stored === ofPepper) return
  const message = `the pepper does not reproduce the genesis row of chain ${domainId}`
  throw new AuditError('pepper_mismatch', message, { advice: { code: advice } })
}
