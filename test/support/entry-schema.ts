import { z } from 'zod'
import type { InputEntry } from '../../src/append/input/input-line.js'
import { metadataProblem } from '../../src/append/input/metadata.js'
import { parseStrictJson } from '../../src/append/input/strict-json.js'
import { ipProblem } from '../../src/append/personal/ip.js'
import { AuditError } from '../../src/base/errors.js'
import { sortCaveats } from '../../src/chain/entry.js'
import {
  caveatContextProblem,
  LIMITS,
  objectProblem,
  relationPathProblem,
  textProblem,
} from '../../src/chain/limits.js'
import { REASONS } from '../../src/chain/reason.js'
import { domainIdProblem, isUuid } from '../../src/chain/uuid.js'

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

const text = (min: number, max: number) => ruled(z.string(), (value) => textProblem(value, min, max))

function uuidProblem(value: string): string | undefined {
  return isUuid(value) ? undefined : 'expected a UUID of 36 characters'
}

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function keyProblem(value: string): string | undefined {
  return UUID_V4.test(value) ? undefined : 'expected a UUID v4 of 36 characters'
}

/** Returns the fields of an object that are present. */
function present<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields
}

const lowerCase = z.string().toLowerCase()
const address = ruled(z.string(), ipProblem)
const strings = z.array(z.string())
const domainId = ruled(lowerCase, domainIdProblem)

const subjectFields = {
  plaintext: text(1, LIMITS.plaintextBytes).optional(),
  emailClaim: text(1, LIMITS.emailBytes).optional(),
  sourceIp: address.optional(),
  idpClaimNames: z.array(text(1, LIMITS.claimNameBytes)).max(LIMITS.claimNames).optional(),
  identityId: ruled(lowerCase, uuidProblem).optional(),
}

const contextFields = {
  ip: address.optional(),
  userAgent: text(0, LIMITS.userAgentBytes).optional(),
  metadata: ruled(z.custom<Readonly<Record<string, unknown>>>(), metadataProblem).optional(),
}

const entryFields = {
  subjectId: text(1, LIMITS.subjectIdBytes),
  relation: text(1, LIMITS.relationBytes),
  object: ruled(z.string(), objectProblem),
  reason: z.enum(REASONS).default('granted'),
  relationPath: ruled(strings, relationPathProblem).default(() => []),
  caveatContext: ruled(strings, caveatContextProblem)
    .transform(sortCaveats)
    .default(() => []),
  correlationId: text(0, LIMITS.correlationIdBytes).default(''),
  zedtoken: text(0, LIMITS.zedtokenBytes).default(''),
  domainIds: z.array(domainId).min(1).max(LIMITS.domainIds).optional(),
  platform: z.literal(true).optional(),
  subject: z.object(subjectFields).overwrite(present).optional(),
  context: z.object(contextFields).overwrite(present).optional(),
  idempotencyKey: ruled(lowerCase, keyProblem).optional(),
}

const entrySchema = z.object(entryFields).overwrite(present)

const { identityId: _, ...subjectOfLine } = subjectFields

const lineSchema = z.strictObject({
  ...inSnakeCase(entryFields),
  subject: z.strictObject(inSnakeCase(subjectOfLine)).optional(),
  context: z.strictObject(inSnakeCase(contextFields)).optional(),
  domain_id: domainId.optional(),
})

/**
 * States by zod what `checkEntry` accepts and returns, apart from the rules of src/append/input. Throws AuditError as
 * checkEntry does.
 */
export function entryBySchema(entry: unknown): InputEntry {
  const checked = parsed(entrySchema, entry)
  refuseContradiction({ domain_ids: checked.domainIds, platform: checked.platform })
  return checked
}

/** States by zod what `parseInputLine` accepts and returns for a line of strict JSON. Throws AuditError. */
export function lineBySchema(bytes: Uint8Array): InputEntry {
  const line: Fields = parsed(lineSchema, parseStrictJson(bytes))
  refuseContradiction(line)
  const { domain_id, subject, context, ...fields } = line
  return present({
    ...inCamelCase(fields),
    ...(domain_id !== undefined && { domainIds: [domain_id] }),
    subject: subject && inCamelCase(subject),
    context: context && inCamelCase(context),
  }) as unknown as InputEntry
}

type Fields = Record<string, unknown>

/** Returns the name of a field on a line. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function inSnakeCase(fields: Readonly<Record<string, z.ZodType>>): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(fields).map(([name, schema]) => [snakeCase(name), schema]))
}

function inCamelCase(fields: object): Fields {
  const camelCase = (name: string) => name.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [camelCase(name), value]))
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value)
  if (!result.success) throw new AuditError('invalid_input', issueText(result.error.issues[0]))
  return result.data
}

function refuseContradiction(line: Fields): void {
  const given = ['domain_id', 'domain_ids', 'platform'].filter((key) => line[key] !== undefined)
  if (given.length <= 1) return
  throw new AuditError(
    'residency_unknown',
    `expected one of domain_id, domain_ids and platform, got ${given.join(' and ')}`,
  )
}

function issueText(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return 'refused'
  const path = issue.path.map(String).map(snakeCase).join('.')
  return path === '' ? ruleText(issue) : `${path}: ${ruleText(issue)}`
}

function ruleText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `unknown key${keyName(issue.keys[0] ?? '')}`
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'required'
  return issue.message.replace(/^(Invalid input|Invalid option|Too big|Too small): /, '')
}

function keyName(key: string): string {
  return /^[a-z][a-z_]{0,31}$/i.test(key) ? ` ${key}` : ''
}
