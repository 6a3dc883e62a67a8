import { pseudonym } from '../chain/hash.js'
import type { ErasureSubject } from '../ports/erasure.js'

/** A person, given as an identity with every subject that is mapped to it, as one subject, or as a pseudonym. */
export type Person =
  | { readonly identityId: string }
  | { readonly subjectId: string }
  | { readonly pseudonym: string }

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
