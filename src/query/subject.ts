import { AuditError } from '../base/errors.js'
import { assertFirstPepper, genesisPseudonym } from '../base/genesis-pepper.js'
import { nodeHasher } from '../base/node-hasher.js'
import { pseudonym } from '../chain/hash.js'
import { LIMITS, textProblem } from '../chain/limits.js'
import type { Pepper } from '../ports/pepper.js'
import type { EntryReader, ReadEntry } from '../ports/query.js'
import { RowJudge } from './row-judge.js'

/** The pseudonym of a subject_id on one chain. */
export interface DerivedSubject {
  /** 64 hex digits. */
  readonly pseudonym: string
  /** Why the pepper was not compared with row 1; absent where row 1 shows that it is the right one. */
  readonly unproven?: 'missing' | 'damaged' | undefined
}

/**
 * Returns the pseudonym of a subject_id on one chain. Rejects with `pepper_mismatch` where the genesis row recomputes and
 * carries the pseudonym of another pepper: that pepper would find no rows, and the person would look innocent.
 */
export async function subjectPseudonym(
  reader: EntryReader,
  pepper: Pepper,
  domainId: string,
  subjectId: string,
): Promise<DerivedSubject> {
  const problem = textProblem(subjectId, 1, LIMITS.subjectIdBytes)
  if (problem !== undefined) throw new AuditError('invalid_subject', `subject_id: ${problem}`)
  const secret = await pepper.pepperOf(domainId)
  const unproven = unprovenBy(domainId, await reader.rowsAt(domainId, 1), genesisPseudonym(secret))
  return { pseudonym: pseudonym(secret, subjectId), unproven }
}

/** A damaged row 1 says nothing about the pepper, unless it carries what the pepper gives. */
function unprovenBy(
  domainId: string,
  rows: readonly ReadEntry[],
  ofPepper: string,
): DerivedSubject['unproven'] {
  if (rows.some(({ subjectPseudonym: stored }) => stored === ofPepper)) return undefined
  const whole = rows.find(isWhole)
  if (whole === undefined) return rows.length === 0 ? 'missing' : 'damaged'
  assertFirstPepper(domainId, whole.subjectPseudonym, ofPepper, 'give_first_pepper_or_pseudonym')
  return undefined
}

function isWhole(row: ReadEntry): boolean {
  const { check } = new RowJudge(nodeHasher).judge(row)
  return check === 'ok' || check === 'unlinked'
}
