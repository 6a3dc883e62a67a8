import { AuditError } from '../base/errors.js'
import { LIMITS, textProblem } from '../chain/limits.js'
import { MIRROR_PREFIX, NAME_PREFIX } from '../chain/self-audit.js'
import { personalDataProblem } from './personal/personal-data.js'

/** What the rows that create or name a Domain record about it. */
export interface RecordedDomain {
  readonly mirrorUrl?: string | undefined
  readonly name?: string | undefined
  /** The subject_id of the caller. */
  readonly actor: string
}

/**
 * Returns the relation_path of a row that creates or names a Domain: a step `mirror:<url>` where the Domain has a mirror of
 * its own, and a step `name:<name>` where it is given a name. Throws `usage` for a text that is too long for a step, and
 * `personal_data_in_chain` for a name that holds the caller's subject_id or an e-mail address.
 */
export function domainPath({ mirrorUrl, name, actor }: RecordedDomain): readonly string[] {
  if (name !== undefined) assertNoPerson(name, actor)
  return [
    ...(mirrorUrl === undefined ? [] : [step('mirror URL', MIRROR_PREFIX, mirrorUrl)]),
    ...(name === undefined ? [] : [step('name', NAME_PREFIX, name)]),
  ]
}

function step(what: string, prefix: string, text: string): string {
  const problem = textProblem(`${prefix}${text}`, 1, LIMITS.pathItemBytes)
  if (problem !== undefined) throw new AuditError('usage', `${what}: ${problem} with "${prefix}" before it`)
  return `${prefix}${text}`
}

const EMAIL = /[^\s@<>()",;:]+@[^\s@<>()",;:]+\.[^\s@<>()",;:]+/

/** The chain cannot forget a name. */
function assertNoPerson(name: string, actor: string): void {
  const texts = { relation: '', object: '', relationPath: [name], correlationId: '' }
  const isActor = personalDataProblem(texts, { subjectId: actor }) !== undefined
  if (!isActor && !EMAIL.test(name)) return
  const what = isActor ? 'the subject_id of the caller' : 'an e-mail address'
  throw new AuditError('personal_data_in_chain', `the name holds ${what}, and a name can never be erased`)
}
