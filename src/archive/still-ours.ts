import { AuditError } from '../base/errors.js'

/**
 * Returns whether the mirror is still ours, after an upload and before the stamps: it may have been unmounted meanwhile.
 * Returns false where `giveUp` came before the answer: the next pass then finds the objects and stamps their rows. Rejects
 * where the mirror is not ours.
 */
export async function isStillOurs(assertOurs: () => Promise<void>, giveUp: AbortSignal): Promise<boolean> {
  try {
    await assertOurs()
    return true
  } catch (error) {
    if (error instanceof AuditError || !giveUp.aborted) throw error
    return false
  }
}
