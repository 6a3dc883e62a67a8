import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { type GivenPerson, optionalPerson, type Person } from '../../erasure/person.js'

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

/** Returns the person that the flags name. Throws `usage` if they name nobody or several people. */
export function parsePerson(flags: GivenPerson): Person {
  const person = optionalPerson(flags)
  if (person !== undefined) return person
  throw new AuditError('usage', 'expected exactly one of --identity UUID, --subject TEXT and --pseudonym HEX')
}
