import { AuditError } from '../base/errors.js'
import { FormatError } from '../chain/format-error.js'
import { pseudonym } from '../chain/hash.js'

/**
 * Checks the settings that the first row of a log needs, before a home is created for it. Rejects with `usage` for a pepper
 * source that is not valid, with `pepper_not_configured` where its login is missing, and with `invalid_subject` for an actor
 * that cannot be a subject_id.
 */
export async function assertCanBegin(pepperUrl: string | undefined, actor: string): Promise<void> {
  if (pepperUrl !== undefined) {
    const { openPepperSource } = await import('../pepper/open-pepper.js')
    openPepperSource(pepperUrl)
  }
  try {
    pseudonym(new Uint8Array(32), actor)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new AuditError('invalid_subject', `the actor: ${error.problem}`, { cause: error })
  }
}
