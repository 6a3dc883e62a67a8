import { z } from 'zod'
import {
  caveatContextProblem,
  LIMITS,
  objectProblem,
  relationPathProblem,
  textProblem,
} from '../../chain/limits.js'
import { REASONS } from '../../chain/reason.js'
import { isUuid, NIL_UUID } from '../../chain/uuid.js'
import { ipProblem } from './ip.js'
import { metadataProblem } from './metadata.js'

/** A schema with one more rule, written as the `*Problem` functions are. */
function ruled<T>(schema: z.ZodType<T>, problem: (value: T) => string | undefined) {
  return schema.superRefine((value, context) => {
    const message = problem(value)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
}

function text(min: number, max: number) {
  return ruled(z.string(), (value) => textProblem(value, min, max))
}

function domainIdProblem(value: string): string | undefined {
  if (!isUuid(value)) return 'expected a UUID of 36 characters'
  return value.toLowerCase() === NIL_UUID ? 'the nil UUID is never a Domain' : undefined
}

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

function idempotencyKeyProblem(value: string): string | undefined {
  return UUID_V4.test(value) ? undefined : 'expected a UUID v4 of 36 characters'
}

const domainId = ruled(z.string(), domainIdProblem)
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
  metadata: ruled(z.unknown(), metadataProblem).optional(),
})

/** "An input line of `append`" in cli.md, limits of format.md; a key that is not here is refused. */
export const lineSchema = z.strictObject({
  subject_id: text(1, LIMITS.subjectIdBytes),
  relation: text(1, LIMITS.relationBytes),
  object: ruled(z.string(), objectProblem),
  reason: z.enum(REASONS).optional(),
  relation_path: ruled(strings, relationPathProblem).optional(),
  caveat_context: ruled(strings, caveatContextProblem).optional(),
  correlation_id: text(0, LIMITS.correlationIdBytes).optional(),
  zedtoken: text(0, LIMITS.zedtokenBytes).optional(),
  domain_id: domainId.optional(),
  domain_ids: z.array(domainId).min(1).max(LIMITS.domainIds).optional(),
  platform: z.literal(true).optional(),
  subject: subject.optional(),
  context: context.optional(),
  idempotency_key: ruled(z.string(), idempotencyKeyProblem).optional(),
})

export type RawLine = z.output<typeof lineSchema>
