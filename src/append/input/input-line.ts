import type { z } from 'zod'
import { AuditError } from '../../base/errors.js'
import { sortCaveats } from '../../chain/entry.js'
import { LIMITS } from '../../chain/limits.js'
import type { Reason } from '../../chain/reason.js'
import type { RequestContext, SubjectPii } from '../../ports/append.js'
import { lineSchema, type RawLine } from './line-schema.js'
import { JsonProblem, parseStrictJson } from './strict-json.js'

/** An entry as it comes in: every limit of format.md holds, but where it belongs and its pseudonym are not known yet. */
export interface InputEntry {
  readonly subjectId: string
  readonly relation: string
  readonly object: string
  readonly reason: Reason
  readonly relationPath: readonly string[]
  /** Sorted by UTF-8 bytes, without duplicates. */
  readonly caveatContext: readonly string[]
  readonly correlationId: string
  readonly zedtoken: string
  /** The chains that the entry names itself; lower case, at least one. */
  readonly domainIds?: readonly string[] | undefined
  readonly platform?: true | undefined
  readonly subject?: SubjectPii | undefined
  readonly context?: RequestContext | undefined
  /** A UUID v4 in lower case: an entry with a key that its chains have seen is not appended again. */
  readonly idempotencyKey?: string | undefined
}

/**
 * The entry of one line of NDJSON, without its newline. Throws AuditError and nothing else: `invalid_input` naming the
 * field and the rule, or `residency_unknown` for a line that contradicts itself about its chains. No message holds a
 * value, for lines are full of personal data.
 */
export function parseInputLine(bytes: Uint8Array): InputEntry {
  if (bytes.length > LIMITS.lineBytes) {
    throw new AuditError('invalid_input', `expected a line of at most ${LIMITS.lineBytes} bytes`)
  }
  try {
    return inputEntry(parseStrictJson(bytes))
  } catch (error) {
    // The cause is left out on purpose: it could show the line.
    if (error instanceof JsonProblem) throw new AuditError('invalid_input', error.message)
    throw error
  }
}

/** The entry of a parsed line, keys in snake_case. Throws as {@link parseInputLine} does. */
export function inputEntry(value: unknown): InputEntry {
  const parsed = lineSchema.safeParse(value)
  if (!parsed.success) throw new AuditError('invalid_input', issueText(parsed.error.issues[0]))
  refuseContradiction(parsed.data)
  return entryOf(parsed.data)
}

function refuseContradiction(raw: RawLine): void {
  const given = (['domain_id', 'domain_ids', 'platform'] as const).filter((key) => raw[key] !== undefined)
  if (given.length > 1) {
    throw new AuditError(
      'residency_unknown',
      `expected one of domain_id, domain_ids and platform, got ${given.join(' and ')}`,
    )
  }
}

function entryOf(raw: RawLine): InputEntry {
  const domainIds = raw.domain_ids ?? (raw.domain_id === undefined ? undefined : [raw.domain_id])
  return {
    subjectId: raw.subject_id,
    relation: raw.relation,
    object: raw.object,
    reason: raw.reason ?? 'granted',
    relationPath: raw.relation_path ?? [],
    caveatContext: sortCaveats(raw.caveat_context ?? []),
    correlationId: raw.correlation_id ?? '',
    zedtoken: raw.zedtoken ?? '',
    ...(domainIds && { domainIds: domainIds.map((id) => id.toLowerCase()) }),
    ...(raw.platform && { platform: raw.platform }),
    ...(raw.subject && { subject: subjectOf(raw.subject) }),
    ...(raw.context && { context: contextOf(raw.context) }),
    ...(raw.idempotency_key && { idempotencyKey: raw.idempotency_key.toLowerCase() }),
  }
}

function subjectOf(raw: NonNullable<RawLine['subject']>): SubjectPii {
  return {
    plaintext: raw.plaintext,
    emailClaim: raw.email_claim,
    sourceIp: raw.source_ip,
    idpClaimNames: raw.idp_claim_names,
  }
}

function contextOf(raw: NonNullable<RawLine['context']>): RequestContext {
  // The schema has found it a plain object, or absent.
  const metadata = raw.metadata as Readonly<Record<string, unknown>> | undefined
  return { ip: raw.ip, userAgent: raw.user_agent, metadata }
}

/** The schema's own keys and indexes make up the path, so it shows nothing of the line. */
function issueText(issue: z.core.$ZodIssue | undefined): string {
  const path = issue === undefined ? '' : issue.path.map(String).join('.')
  const rule = issue === undefined ? 'refused' : ruleText(issue)
  return path === '' ? rule : `${path}: ${rule}`
}

function ruleText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `unknown key${keyName(issue.keys[0] ?? '')}`
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'required'
  return issue.message.replace(/^(Invalid input|Invalid option|Too big|Too small): /, '')
}

/** A key that could not be a field's name may be somebody's. */
function keyName(key: string): string {
  return /^[a-z][a-z_]{0,31}$/i.test(key) ? ` ${key}` : ''
}
