import * as Flags from '@oclif/core/flags'

const helpGroup = 'PERSON'

/** Who is meant. Read with parsePerson. */
export const personFlags = {
  identity: Flags.string({
    helpGroup,
    helpValue: 'UUID',
    summary: 'this identity, and every subject whose mapping says to be it',
  }),
  subject: Flags.string({
    helpGroup,
    helpValue: 'TEXT',
    summary: 'this subject_id, to the letter; its pseudonym is derived here',
  }),
  pseudonym: Flags.string({
    helpGroup,
    helpValue: 'HEX',
    summary: 'whoever this pseudonym is of, on one chain',
  }),
}
