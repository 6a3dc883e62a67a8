import { AuditError } from '../base/errors.js'
import { LIMITS, textProblem } from '../chain/limits.js'
import { MIRROR_PREFIX } from '../chain/self-audit.js'

/**
 * Returns the relation_path of the two rows that create a Domain: one step `mirror:<url>` where the Domain has a mirror
 * of its own, so that a reader of the mirrors alone knows where the Domain's chain must be. Throws `usage` for a URL
 * that is too long for a step.
 */
export function mirrorPath(mirrorUrl: string | undefined): readonly string[] {
  if (mirrorUrl === undefined) return []
  const step = `${MIRROR_PREFIX}${mirrorUrl}`
  const problem = textProblem(step, 1, LIMITS.pathItemBytes)
  if (problem !== undefined)
    throw new AuditError('usage', `mirror URL: ${problem} with "${MIRROR_PREFIX}" before it`)
  return [step]
}
