import { AuditError } from '../base/errors.js'
import { pseudonym } from '../chain/hash.js'
import { LIMITS, textProblem } from '../chain/limits.js'
import { isUuid } from '../chain/uuid.js'
import type { ErasureSubject } from '../ports/erasure.js'

/** A person, given as an identity with every subject that is mapped to it, as one subject, or as a pseudonym. */
export type Person =
  | { readonly identityId: string }
  | { readonly subjectId: string }
  | { readonly pseudonym: string }

export interface GivenPerson {
  readonly identity?: string | undefined
  readonly subject?: string | undefined
  readonly pseudonym?: string | undefined
}

/**
 * Returns the person, or undefined when none is given. Throws `usage` for more than one, and `invalid_subject` without
 * repeating the text.
 */
export function optionalPerson({ identity, subject, pseudonym: hex }: GivenPerson): Person | undefined {
  const given = [identity, subject, hex].filter((text) => text !== undefined)
  if (given.length > 1) throw new AuditError('usage', 'expected one person, got several')
  if (identity !== undefined) return { identityId: parsedIdentity(identity) }
  if (hex !== undefined) return { pseudonym: parsedPseudonym(hex) }
  return subject === undefined ? undefined : { subjectId: parsedSubject(subject) }
}

/** Returns the person as a subject of one chain, by the pepper of that chain. */
export function subjectOf(person: Person, domainId: string, pepper: Uint8Array): ErasureSubject {
  if ('pseudonym' in person) return { domainId, pseudonym: person.pseudonym }
  if ('subjectId' in person) return { domainId, pseudonym: pseudonym(pepper, person.subjectId) }
  const identityId = person.identityId.toLowerCase()
  return { domainId, pseudonym: pseudonym(pepper, identityId), identityId }
}

/** Returns the plaintext name that the person was given by, or undefined for a pseudonym. */
export function nameOf(person: Person): string | undefined {
  if ('identityId' in person) return person.identityId
  return 'subjectId' in person ? person.subjectId : undefined
}

function parsedIdentity(text: string): string {
  if (isUuid(text)) return text.toLowerCase()
  throw new AuditError('invalid_subject', 'identity: expected a UUID of 36 characters')
}

function parsedPseudonym(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase()
  throw new AuditError('invalid_subject', 'pseudonym: expected 64 hex digits')
}

function parsedSubject(text: string): string {
  const problem = textProblem(text, 1, LIMITS.subjectIdBytes)
  if (problem === undefined) return text
  throw new AuditError('invalid_subject', `subject: ${problem}`)
}
