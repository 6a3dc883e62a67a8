import * as Flags from '@oclif/core/flags'
import type { InferredFlags } from '@oclif/core/interfaces'
import type { UncheckedEntry } from '../../append/input/input-line.js'
import { JsonProblem, parseStrictJson } from '../../append/input/strict-json.js'
import { AuditError } from '../../base/errors.js'
import { utf8 } from '../../chain/limits.js'
import { REASONS, type Reason } from '../../chain/reason.js'

type Metadata = NonNullable<NonNullable<UncheckedEntry['context']>['metadata']>

const helpGroup = 'ENTRY'
const text = (summary: string) => Flags.string({ helpGroup, helpValue: 'TEXT', summary })
const texts = (summary: string) =>
  Flags.string({ helpGroup, helpValue: 'TEXT', summary, multiple: true, multipleNonGreedy: true })

/** The flags of `append` for one entry. Their fields are those of an input line. */
export const entryFlags = {
  subject: text('subject_id: who did it; only its pseudonym is written'),
  relation: text('what was done'),
  object: text('to what, as type:id'),
  reason: Flags.string({ helpGroup, options: [...REASONS], summary: 'how it was decided; default: granted' }),
  'relation-path': texts('one step of the relation path; repeat it, in order'),
  'caveat-context': texts('the name of a caveat, or caveat.parameter; never a value; repeat it'),
  'correlation-id': text('the id of the request'),
  zedtoken: text('the consistency token of the decision'),
  plaintext: text('off the chain: the subject in clear'),
  'email-claim': text('off the chain: the e-mail address of the subject'),
  'source-ip': text('off the chain: the address of the subject'),
  'idp-claim-name': texts('off the chain: the name of a claim; repeat it'),
  ip: text('off the chain: the address of this request'),
  'user-agent': text('off the chain: the user agent of this request'),
  metadata: Flags.string({ helpGroup, helpValue: 'JSON', summary: 'off the chain: a JSON object' }),
  'idempotency-key': Flags.string({
    helpGroup,
    helpValue: 'UUID',
    summary: 'a UUID v4; an entry that is retried with the same key is not appended twice',
  }),
}

type EntryFlags = InferredFlags<typeof entryFlags>

/** Returns the names of the entry flags that were given. */
export function givenEntryFlags(flags: EntryFlags): string[] {
  const given = flags as Readonly<Record<string, unknown>>
  return Object.keys(entryFlags).filter((name) => given[name] !== undefined)
}

/** Returns the entry that the flags describe, not yet checked. Throws `usage` without subject, relation or object. */
export function entryOfFlags(flags: EntryFlags): UncheckedEntry {
  const { subject, relation, object } = flags
  if (subject === undefined || relation === undefined || object === undefined) throw incomplete(flags)
  return {
    subjectId: subject,
    relation,
    object,
    reason: flags.reason as Reason | undefined,
    relationPath: flags['relation-path'],
    caveatContext: flags['caveat-context'],
    correlationId: flags['correlation-id'],
    zedtoken: flags.zedtoken,
    subject: ifAny({
      plaintext: flags.plaintext,
      emailClaim: flags['email-claim'],
      sourceIp: flags['source-ip'],
      idpClaimNames: flags['idp-claim-name'],
    }),
    context: ifAny({
      ip: flags.ip,
      userAgent: flags['user-agent'],
      metadata: flags.metadata === undefined ? undefined : parseMetadata(flags.metadata),
    }),
    idempotencyKey: flags['idempotency-key'],
  }
}

function incomplete(flags: EntryFlags): AuditError {
  const needed = ['subject', 'relation', 'object'] as const
  const missing = needed.filter((name) => flags[name] === undefined).map((name) => `--${name}`)
  return givenEntryFlags(flags).length > 0
    ? new AuditError('usage', `an entry needs ${missing.join(' and ')}`)
    : new AuditError(
        'usage',
        'nothing to append: expected --subject, --relation and --object, --stdin, or files',
      )
}

/** Parses as strictly as a line is parsed: two readers could take different values of a key that occurs twice. */
function parseMetadata(json: string): Metadata {
  try {
    // The schema refuses what is not an object.
    return parseStrictJson(utf8(json)) as Metadata
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error
    throw new AuditError('invalid_input', `--metadata: expected a JSON object: ${error.message}`)
  }
}

/** Returns undefined where no field is given, so that no empty object is stored. */
function ifAny<T extends object>(value: T): T | undefined {
  return Object.values(value).some((field) => field !== undefined) ? value : undefined
}
