import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { LIMITS, textProblem } from '../../chain/limits.js'
import type { SoughtPerson } from '../../identify/identify.js'
import { parseSeq } from '../../query/list-query.js'
import { chainsFlags, type ParsedChain, parseChain, parseChains } from '../flags/chain.js'
import { parsedPseudonym } from '../flags/person.js'
import { severalChainsFlags } from '../flags/several-chains.js'

const helpGroup = 'PERSON'

/** The person to identify. Read with {@link parseSought}. */
export const soughtFlags = {
  seq: Flags.string({ helpGroup, helpValue: 'N', summary: 'the subject of this row, on one chain' }),
  pseudonym: Flags.string({ helpGroup, helpValue: 'HEX', summary: 'the person with this pseudonym' }),
  'subject-id': Flags.string({
    helpGroup,
    helpValue: 'TEXT',
    summary:
      'this subject_id, which must match to the letter; a UUID also means every subject that is mapped to that identity',
  }),
}

/** The chains to look for the person on. Read with {@link parseIdentifiedOn}. */
export const identifiedOnFlags = { ...chainsFlags, domain: severalChainsFlags.domain }

interface IdentifiedOn {
  readonly flags: {
    /** oclif gives the value of AUDIT_DOMAIN as a text. */
    readonly domain?: string | readonly string[] | undefined
    readonly platform?: boolean
    readonly all?: boolean
  }
  readonly raw: ParsedChain['raw']
}

/** Returns the chosen chains, each once, or `all`. Throws `usage` where none is chosen, or two ways to choose are mixed. */
export function parseIdentifiedOn({ flags, raw }: IdentifiedOn): readonly string[] | 'all' {
  const domains = [flags.domain ?? []].flat()
  const first = parseChains({ flags: { ...flags, domain: domains[0] }, raw })
  if (first === 'all') return 'all'
  const others = flags.platform === true ? [] : domains.slice(1)
  return [...new Set([first, ...others.map((text) => parseChain({ flags: { domain: text }, raw: [] }))])]
}

interface GivenSought {
  readonly seq?: string | undefined
  readonly pseudonym?: string | undefined
  readonly 'subject-id'?: string | undefined
}

/** Returns the person that the flags name. Throws `usage` unless they name exactly one, `invalid_seq` or `invalid_subject`. */
export function parseSought({ seq, pseudonym, 'subject-id': subjectId }: GivenSought): SoughtPerson {
  if ([seq, pseudonym, subjectId].filter((text) => text !== undefined).length !== 1) {
    throw new AuditError('usage', 'expected exactly one of --seq N, --pseudonym HEX and --subject-id TEXT')
  }
  if (seq !== undefined) return { seq: parseSeq(seq) }
  if (subjectId !== undefined) return { subjectId: checkedSubjectId(subjectId) }
  return { pseudonym: parsedPseudonym(pseudonym ?? '') }
}

/** Returns the text. Throws `invalid_subject` without repeating it. */
export function checkedSubjectId(text: string): string {
  const problem = textProblem(text, 1, LIMITS.subjectIdBytes)
  if (problem === undefined) return text
  throw new AuditError('invalid_subject', `subject-id: ${problem}`)
}
