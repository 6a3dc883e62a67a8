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
import type { RequestContext, SubjectPii } from '../../ports/append.js'
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

/** Returns the schema of a list whose input may be read-only. */
function list(schema: z.ZodArray<z.ZodString>): z.ZodType<string[], readonly string[]> {
  return schema
}

/** Returns the fields of an object that are present. */
function present<Fields extends object>(fields: Fields): Fields {
  const kept: Partial<Fields> = {}
  for (const name in fields) if (fields[name] !== undefined) kept[name] = fields[name]
  return kept as Fields
}

/** The schemas of exactly the fields of T. */
type FieldsOf<T> = { readonly [Name in keyof Required<T>]: z.ZodType<T[Name]> }

const lowerCase = z.string().toLowerCase()
const address = ruled(z.string(), ipProblem)
const strings = list(z.array(z.string()))

export const domainId = ruled(lowerCase, domainIdProblem)

export const subjectFields = {
  plaintext: text(1, LIMITS.plaintextBytes).optional(),
  emailClaim: text(1, LIMITS.emailBytes).optional(),
  sourceIp: address.optional(),
  idpClaimNames: list(z.array(text(1, LIMITS.claimNameBytes)).max(LIMITS.claimNames)).optional(),
  /** Only a caller in code names the identity. On a line, a subject_id that is a UUID does. */
  identityId: ruled(lowerCase, uuidProblem).optional(),
} satisfies FieldsOf<SubjectPii>

export const contextFields = {
  ip: address.optional(),
  userAgent: text(0, LIMITS.userAgentBytes).optional(),
  metadata: ruled(z.custom<Readonly<Record<string, unknown>>>(), metadataProblem).optional(),
} satisfies FieldsOf<RequestContext>

/** The one list of an entry's fields. The types of an entry, and the fields of an input line, come from here. */
export const entryFields = {
  subjectId: text(1, LIMITS.subjectIdBytes),
  relation: text(1, LIMITS.relationBytes),
  object: ruled(z.string(), objectProblem),
  reason: z.enum(REASONS).default('granted'),
  relationPath: ruled(strings, relationPathProblem).default(() => []),
  /** Sorted by UTF-8 bytes, without duplicates. */
  caveatContext: ruled(strings, caveatContextProblem)
    .transform(sortCaveats)
    .default(() => []),
  correlationId: text(0, LIMITS.correlationIdBytes).default(''),
  zedtoken: text(0, LIMITS.zedtokenBytes).default(''),
  domainIds: list(z.array(domainId).min(1).max(LIMITS.domainIds)).optional(),
  platform: z.literal(true).optional(),
  subject: z.object(subjectFields).overwrite(present).optional(),
  context: z.object(contextFields).overwrite(present).optional(),
  /** An entry with a key that its chains have seen is not appended again. */
  idempotencyKey: ruled(lowerCase, idempotencyKeyProblem).optional(),
}

/** An entry of a caller in code. A key that is not listed is ignored, and so is a field that is undefined. */
export const entrySchema = z.object(entryFields).overwrite(present)
