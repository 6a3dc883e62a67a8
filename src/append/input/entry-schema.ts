import { z } from 'zod'
import { sortCaveats } from '../../chain/entry.js'
import {
  caveatContextProblem,
  LIMITS,
  objectProblem,
  relationPathProblem,
  textProblem,
} from '../../chain/limits.js'
import { REASONS } from '../../chain/reason.js'
import { domainIdProblem, isUuid } from '../../chain/uuid.js'
import { ipProblem } from '../personal/ip.js'
import { metadataProblem } from './metadata.js'

/** Returns the schema with one more rule, written as the `*Problem` functions are. */
function ruled<Schema extends z.ZodType>(
  schema: Schema,
  problem: (value: z.output<Schema>) => string | undefined,
): Schema {
  return schema.superRefine((value, context) => {
    const message = problem(value)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
}

function text(min: number, max: number) {
  return ruled(z.string(), (value) => textProblem(value, min, max))
}

function uuidProblem(value: string): string | undefined {
  return isUuid(value) ? undefined : 'expected a UUID of 36 characters'
}

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function idempotencyKeyProblem(value: string): string | undefined {
  return UUID_V4.test(value) ? undefined : 'expected a UUID v4 of 36 characters'
}

const lowerCase = z.string().toLowerCase()
const domainId = ruled(lowerCase, domainIdProblem)
const address = ruled(z.string(), ipProblem)
const strings = z.array(z.string())

const subject = z.strictObject({
  plaintext: text(1, LIMITS.plaintextBytes).optional(),
  email_claim: text(1, LIMITS.emailBytes).optional(),
  source_ip: address.optional(),
  idp_claim_names: z.array(text(1, LIMITS.claimNameBytes)).max(LIMITS.claimNames).optional(),
})

const context = z.strictObject({
  ip: address.optional(),
  user_agent: text(0, LIMITS.userAgentBytes).optional(),
  metadata: ruled(z.custom<Readonly<Record<string, unknown>>>(), metadataProblem).optional(),
})

/**
 * An entry as an input line writes it (docs/input.md): the one list of an entry's fields. The types and names of an
 * entry in code come from here. A key that is not listed is refused.
 */
export const lineSchema = z.strictObject({
  subject_id: text(1, LIMITS.subjectIdBytes),
  relation: text(1, LIMITS.relationBytes),
  object: ruled(z.string(), objectProblem),
  reason: z.enum(REASONS).default('granted'),
  relation_path: ruled(strings, relationPathProblem).default(() => []),
  /** Sorted by UTF-8 bytes, without duplicates. */
  caveat_context: ruled(strings, caveatContextProblem)
    .transform(sortCaveats)
    .default(() => []),
  correlation_id: text(0, LIMITS.correlationIdBytes).default(''),
  zedtoken: text(0, LIMITS.zedtokenBytes).default(''),
  /** Short for `domain_ids` with one element. */
  domain_id: domainId.optional(),
  domain_ids: z.array(domainId).min(1).max(LIMITS.domainIds).optional(),
  platform: z.literal(true).optional(),
  subject: subject.optional(),
  context: context.optional(),
  /** An entry with a key that its chains have seen is not appended again. */
  idempotency_key: ruled(lowerCase, idempotencyKeyProblem).optional(),
})

/** What an input line may hold. */
export type InputLine = z.input<typeof lineSchema>

/** An entry of a caller in code, who may also name the identity of the subject. On a line, a subject_id that is a UUID does. */
export const callerSchema = lineSchema.extend({
  subject: subject.extend({ identity_id: ruled(lowerCase, uuidProblem).optional() }).optional(),
})
