import type { SigningFacts } from '../ports/signer.js'
import { ENROLLED_ROWS } from './enrol.js'
import type { NotSignedReason } from './reasons.js'

/** How far a chain is signed, as the database alone shows it. */
export interface SigningStatus {
  /** The last row below the newest signed head; absent for a chain that was never signed. */
  readonly signedThrough?: number | undefined
  /** Seconds since that head was signed. */
  readonly signedAgeSeconds?: number | undefined
  /** Absent where the chain is signed up to its last archived row, is about to be signed, or the rows do not show the reason. */
  readonly notSignedReason?: NotSignedReason | undefined
}

/** Seconds that a row may wait for a signature before a finding counts as the reason. A finding may be old and repaired. */
const PATIENCE = 15 * 60

/** Returns the status of a chain of a log that is signed. Only the signer knows every reason: it compares records and objects. */
export function signingStatus(facts: SigningFacts): SigningStatus {
  const { state } = facts
  return {
    ...(state !== undefined && { signedThrough: state.signedSeq, signedAgeSeconds: state.ageSeconds }),
    notSignedReason: reasonOf(facts),
  }
}

function reasonOf(facts: SigningFacts): NotSignedReason | undefined {
  const { state, lastSeq, isRestoring, isHeld, hasFinding } = facts
  if (isRestoring) return 'restoring'
  if (isHeld) return 'rows_held'
  if (state === undefined) {
    if (hasFinding) return 'findings'
    return lastSeq > ENROLLED_ROWS ? 'too_long' : undefined
  }
  return hasFinding && (state.waitingSeconds ?? 0) > PATIENCE ? 'findings' : undefined
}
