import { AuditError } from '../base/errors.js'
import { LIMITS, textProblem } from '../chain/limits.js'

/** What the one step begins with that a Domain's `audit.chain-create` has in its relation_path. */
const PREFIX = 'mirror:'

/**
 * The relation_path of the two rows that create a Domain: `mirror:<url>` where it has a mirror of its own, so that
 * whoever has nothing but the mirrors knows where its chain must be. Throws `usage` for a URL that no step can hold.
 */
export function mirrorPath(mirrorUrl: string | undefined): readonly string[] {
  if (mirrorUrl === undefined) return []
  const step = `${PREFIX}${mirrorUrl}`
  const problem = textProblem(step, 1, LIMITS.pathItemBytes)
  if (problem !== undefined)
    throw new AuditError('usage', `mirror URL: ${problem} with "${PREFIX}" before it`)
  return [step]
}

/** The mirror that a Domain's `audit.chain-create` names; undefined for one that lies in the default mirror. */
export function mirrorOfPath(relationPath: readonly string[]): string | undefined {
  return relationPath.find((step) => step.startsWith(PREFIX))?.slice(PREFIX.length)
}
