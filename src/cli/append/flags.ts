import * as Flags from '@oclif/core/flags'
import type { UncheckedEntry } from '../../append/check-entry.js'
import { JsonProblem, parseStrictJson } from '../../append/input/strict-json.js'
import { AuditError } from '../../base/errors.js'
import { utf8 } from '../../chain/limits.js'
import { REASONS } from '../../chain/reason.js'

const helpGroup = 'ENTRY'
const text = (summary: string) => Flags.string({ helpGroup, helpValue: 'TEXT', summary })
const texts = (summary: string) =>
  Flags.string({ helpGroup, helpValue: 'TEXT', summary, multiple: true, multipleNonGreedy: true })

/** One entry by flags, for `append`; the fields are those of an input line. */
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
  'email-claim': text('off the chain: the subject’s e-mail address'),
  'source-ip': text('off the chain: the subject’s address'),
  'idp-claim-name': texts('off the chain: the name of a claim; repeat it'),
  ip: text('off the chain: the address of this request'),
  'user-agent': text('off the chain: the user agent of this request'),
  metadata: Flags.string({ helpGroup, helpValue: 'JSON', summary: 'off the chain: a JSON object' }),
  'idempotency-key': Flags.string({
    helpGroup,
    helpValue: 'UUID',
    summary: 'a UUID v4: tried again with it, the entry is not appended twice',
  }),
}

interface EntryFlags {
  readonly subject?: string | undefined
  readonly relation?: string | undefined
  readonly object?: string | undefined
  readonly reason?: string | undefined
  readonly 'relation-path'?: string[] | undefined
  readonly 'caveat-context'?: string[] | undefined
  readonly 'correlation-id'?: string | undefined
  readonly zedtoken?: string | undefined
  readonly plaintext?: string | undefined
  readonly 'email-claim'?: string | undefined
  readonly 'source-ip'?: string | undefined
  readonly 'idp-claim-name'?: string[] | undefined
  readonly ip?: string | undefined
  readonly 'user-agent'?: string | undefined
  readonly metadata?: string | undefined
  readonly 'idempotency-key'?: string | undefined
}

/** The flags of an entry that were given, by name. */
export function givenEntryFlags(flags: EntryFlags): string[] {
  const given = flags as Readonly<Record<string, unknown>>
  return Object.keys(entryFlags).filter((name) => given[name] !== undefined)
}

/** The entry that the flags describe, not yet checked. Throws `usage` without subject, relation or object. */
export function entryOfFlags(flags: EntryFlags): UncheckedEntry {
  const { subject, relation, object } = flags
  if (subject === undefined || relation === undefined || object === undefined) throw incomplete(flags)
  return withoutAbsent({
    subjectId: subject,
    relation,
    object,
    reason: flags.reason as UncheckedEntry['reason'],
    relationPath: flags['relation-path'],
    caveatContext: flags['caveat-context'],
    correlationId: flags['correlation-id'],
    zedtoken: flags.zedtoken,
    subject: withoutAbsent({
      plaintext: flags.plaintext,
      emailClaim: flags['email-claim'],
      sourceIp: flags['source-ip'],
      idpClaimNames: flags['idp-claim-name'],
    }),
    context: withoutAbsent({
      ip: flags.ip,
      userAgent: flags['user-agent'],
      metadata: flags.metadata === undefined ? undefined : parseMetadata(flags.metadata),
    }),
    idempotencyKey: flags['idempotency-key'],
  }) as UncheckedEntry
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

/** As strictly as on a line: of a key that occurs twice, another reader might see the other value. */
function parseMetadata(json: string): unknown {
  try {
    return parseStrictJson(utf8(json))
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error
    throw new AuditError('invalid_input', `--metadata: expected a JSON object: ${error.message}`)
  }
}

/** Without what is undefined; undefined itself if nothing is left. */
function withoutAbsent<T extends object>(value: T): T | undefined {
  const present = Object.entries(value).filter(([, item]) => item !== undefined)
  return present.length === 0 ? undefined : (Object.fromEntries(present) as T)
}
