import { pseudonym } from '../chain/hash.js'
import { LIMITS, textProblem } from '../chain/limits.js'
import { isUuid } from '../chain/uuid.js'
import { AuditError } from '../errors.js'
import type { ErasureSubject } from '../ports.js'

/** Who is meant: an identity with every subject that is mapped to it, or one subject. */
export type Person = { readonly identityId: string } | { readonly subjectId: string }

/** Exactly one of the two. Throws `usage`, or `invalid_subject` without repeating what was given. */
export function parsePerson(given: { identity?: string | undefined; subject?: string | undefined }): Person {
  const { identity, subject } = given
  if ((identity === undefined) === (subject === undefined)) {
    throw new AuditError('usage', 'expected exactly one of --identity UUID and --subject TEXT')
  }
  if (identity !== undefined) {
    if (isUuid(identity)) return { identityId: identity.toLowerCase() }
    throw new AuditError('invalid_subject', 'identity: expected a UUID of 36 characters')
  }
  const subjectId = subject ?? ''
  const problem = textProblem(subjectId, 1, LIMITS.subjectIdBytes)
  if (problem !== undefined) throw new AuditError('invalid_subject', `subject: ${problem}`)
  return { subjectId }
}

/** The person on one chain, by that chain's pepper. */
export function onChain(person: Person, domainId: string, pepper: Uint8Array): ErasureSubject {
  if ('subjectId' in person) return { domainId, pseudonym: pseudonym(pepper, person.subjectId) }
  const identityId = person.identityId.toLowerCase()
  return { domainId, pseudonym: pseudonym(pepper, identityId), identityId }
}
