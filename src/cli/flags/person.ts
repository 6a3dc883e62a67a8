import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { LIMITS, textProblem } from '../../chain/limits.js'
import { isUuid } from '../../chain/uuid.js'
import type { Person } from '../../erasure/person.js'

const helpGroup = 'PERSON'

/** The person that a command is about. Read with {@link parsePerson}. */
export const personFlags = {
  identity: Flags.string({
    helpGroup,
    helpValue: 'UUID',
    summary: 'this identity, and every subject that is mapped to it',
  }),
  subject: Flags.string({
    helpGroup,
    helpValue: 'TEXT',
    summary: 'this subject_id, which must match to the letter; its pseudonym is derived with the pepper',
  }),
  pseudonym: Flags.string({
    helpGroup,
    helpValue: 'HEX',
    summary: 'the person with this pseudonym, on one chain',
  }),
}

interface GivenPerson {
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

/** Returns the person that the flags name. Throws `usage` unless they name exactly one person. */
export function parsePerson(flags: GivenPerson): Person {
  const person = optionalPerson(flags)
  if (person !== undefined) return person
  throw new AuditError('usage', 'expected exactly one of --identity UUID, --subject TEXT and --pseudonym HEX')
}

function parsedIdentity(text: string): string {
  if (isUuid(text)) return text.toLowerCase()
  throw new AuditError('invalid_subject', 'identity: expected a UUID of 36 characters')
}

/** Returns a pseudonym in lower case. Throws `invalid_subject`. */
export function parsedPseudonym(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase()
  throw new AuditError('invalid_subject', 'pseudonym: expected 64 hex digits')
}

function parsedSubject(text: string): string {
  const problem = textProblem(text, 1, LIMITS.subjectIdBytes)
  if (problem === undefined) return text
  throw new AuditError('invalid_subject', `subject: ${problem}`)
}
