import { AuditError } from '../base/errors.js'
import { assertFirstPepper, genesisPseudonym } from '../base/genesis-pepper.js'
import { pseudonym } from '../chain/hash.js'
import { LIMITS, textProblem } from '../chain/limits.js'
import type { Pepper } from '../ports/pepper.js'
import type { EntryReader } from '../ports/query.js'

/**
 * Returns the pseudonym of a subject_id on one chain, 64 hex digits. Rejects with `pepper_mismatch` for a pepper that does not
 * reproduce the genesis row: it would find no rows, and the person would look innocent.
 */
export async function subjectPseudonym(
  reader: EntryReader,
  pepper: Pepper,
  domainId: string,
  subjectId: string,
): Promise<string> {
  const problem = textProblem(subjectId, 1, LIMITS.subjectIdBytes)
  if (problem !== undefined) throw new AuditError('invalid_subject', `subject_id: ${problem}`)
  const secret = await pepper.pepperOf(domainId)
  const [genesis] = await reader.rowsAt(domainId, 1)
  if (genesis !== undefined) {
    const ofPepper = genesisPseudonym(secret)
    assertFirstPepper(domainId, genesis.subjectPseudonym, ofPepper, 'give_first_pepper_or_pseudonym')
  }
  return pseudonym(secret, subjectId)
}
