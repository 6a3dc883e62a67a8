import { type Entry, sortCaveats } from '../../chain/entry.js'
import {
  caveatContextProblem,
  LIMITS,
  objectProblem,
  relationPathProblem,
  textProblem,
} from '../../chain/limits.js'
import { REASONS } from '../../chain/reason.js'
import { domainIdProblem, isUuid } from '../../chain/uuid.js'
import type { RequestContext, SubjectPii } from '../../ports/append.js'
import { ipProblem } from '../personal/ip.js'
import { fieldsOf, snakeCase } from './field-names.js'
import { metadataProblem } from './metadata.js'
import {
  defaulted,
  list,
  lowerCase,
  object,
  oneOf,
  optional,
  type Rule,
  refuse,
  ruled,
  string,
} from './rules.js'

/** The rules of exactly the fields of T. */
type RulesOf<T> = { readonly [Name in keyof Required<T>]: Rule<T[Name]> }

/** The fields that a row hashes as the entry gives them. */
type Hashed =
  | 'relation'
  | 'object'
  | 'reason'
  | 'relationPath'
  | 'caveatContext'
  | 'correlationId'
  | 'zedtoken'

/** An entry whose fields keep every limit of the format. */
export interface CheckedEntry extends Pick<Entry, Hashed> {
  readonly subjectId: string
  readonly domainIds?: readonly string[] | undefined
  readonly platform?: true | undefined
  readonly subject?: SubjectPii | undefined
  readonly context?: RequestContext | undefined
  /** A UUID v4. An entry with a key that its chains have seen is not appended again. */
  readonly idempotencyKey?: string | undefined
}

function text(min: number, max: number): Rule<string> {
  return ruled(string, (value) => textProblem(value, min, max))
}

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const address = ruled(string, ipProblem)

const domainId = ruled(lowerCase, domainIdProblem)

const caveatNames = ruled(list(string), caveatContextProblem)

const metadata = ruled((value: unknown) => value as Readonly<Record<string, unknown>>, metadataProblem)

const subjectRules = {
  plaintext: optional(text(1, LIMITS.plaintextBytes)),
  emailClaim: optional(text(1, LIMITS.emailBytes)),
  sourceIp: optional(address),
  idpClaimNames: optional(list(text(1, LIMITS.claimNameBytes), 0, LIMITS.claimNames)),
  /** Only a caller in code names the identity. On a line, a subject_id that is a UUID does. */
  identityId: optional(ruled(lowerCase, uuidProblem)),
} satisfies RulesOf<SubjectPii>

const { identityId: _, ...subjectRulesOfLine } = subjectRules

const contextRules = {
  ip: optional(address),
  userAgent: optional(text(0, LIMITS.userAgentBytes)),
  metadata: optional(metadata),
} satisfies RulesOf<RequestContext>

/** The one list of an entry's fields, in the order in which they are checked. */
const entryRules = {
  subjectId: text(1, LIMITS.subjectIdBytes),
  relation: text(1, LIMITS.relationBytes),
  object: ruled(string, objectProblem),
  reason: defaulted(oneOf(REASONS), () => 'granted'),
  relationPath: defaulted(ruled(list(string), relationPathProblem), () => []),
  caveatContext: defaulted(caveats, () => []),
  correlationId: defaulted(text(0, LIMITS.correlationIdBytes), () => ''),
  zedtoken: defaulted(text(0, LIMITS.zedtokenBytes), () => ''),
  domainIds: optional(list(domainId, 1, LIMITS.domainIds)),
  platform: optional(platform),
  subject: optional(object<SubjectPii>(fieldsOf(subjectRules), false)),
  context: optional(object<RequestContext>(fieldsOf(contextRules), false)),
  idempotencyKey: optional(ruled(lowerCase, idempotencyKeyProblem)),
} satisfies RulesOf<CheckedEntry>

/** Reads an entry of a caller in code. A key that is not listed is ignored. */
export const readEntry = object<CheckedEntry>(fieldsOf(entryRules), false)

/**
 * Reads an entry as an input line writes it (docs/input.md). A key that is not listed is refused. `domain_id` is short for
 * `domain_ids` with one element, so a line with both must be refused too.
 */
export const readLine = object<CheckedEntry>(
  [
    ...fieldsOf(
      {
        ...entryRules,
        subject: optional(object(fieldsOf(subjectRulesOfLine, snakeCase), true)),
        context: optional(object(fieldsOf(contextRules, snakeCase), true)),
      },
      snakeCase,
    ),
    { name: 'domain_id', code: 'domainIds', rule: optional((value) => [domainId(value)]) },
  ],
  true,
)

function caveats(value: unknown): string[] {
  return sortCaveats(caveatNames(value))
}

function platform(value: unknown): true {
  return value === true ? true : refuse('expected true')
}

function uuidProblem(value: string): string | undefined {
  return isUuid(value) ? undefined : 'expected a UUID of 36 characters'
}

function idempotencyKeyProblem(value: string): string | undefined {
  return UUID_V4.test(value) ? undefined : 'expected a UUID v4 of 36 characters'
}
