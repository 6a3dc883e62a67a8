import type { z } from 'zod'
import { AuditError } from '../../base/errors.js'
import { LIMITS } from '../../chain/limits.js'
import { callerSchema, lineSchema } from './entry-schema.js'
import { fieldNames, type InCamelCase, toCamelCase, toSnakeCase } from './field-names.js'
import { JsonProblem, parseStrictJson } from './strict-json.js'

type Line = z.output<typeof callerSchema>

/** An entry whose fields keep every limit of the format. Its chains and its pseudonyms are not known yet. */
export type InputEntry = InCamelCase<Omit<Line, 'domain_id'>>

/** An entry as a caller in code gives it to {@link checkEntry}: every field that has a default may be left out. */
export type UncheckedEntry = InCamelCase<Omit<z.input<typeof callerSchema>, 'domain_id'>>

const { domain_id: _, ...shape } = callerSchema.shape
const NAMES = fieldNames(shape, {
  subject: shape.subject.unwrap().shape,
  context: shape.context.unwrap().shape,
})

/**
 * Returns the entry of one line of NDJSON, given without its newline. Throws AuditError and nothing else:
 * `invalid_input` names the field and the rule; `residency_unknown` is for a line that contradicts itself about its
 * chains. No message holds a value, because lines are full of personal data.
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

/** Returns the entry of a parsed line. Throws as {@link parseInputLine} does. */
export function inputEntry(value: unknown): InputEntry {
  return entryOf(value, lineSchema)
}

/**
 * Checks an entry that was not read from a line (flags, a caller of the library) against the same schema, and fills in
 * the defaults. Throws as {@link parseInputLine} does; a message names a field as a line does.
 */
export function checkEntry(entry: UncheckedEntry): InputEntry {
  return entryOf(toSnakeCase(entry, NAMES), callerSchema)
}

function entryOf(value: unknown, schema: typeof lineSchema | typeof callerSchema): InputEntry {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new AuditError('invalid_input', issueText(parsed.error.issues[0]))
  const line: Line = parsed.data
  refuseContradiction(line)
  if (line.domain_id !== undefined) line.domain_ids = [line.domain_id]
  return toCamelCase(line, NAMES)
}

const CHAINS = ['domain_id', 'domain_ids', 'platform'] as const

function refuseContradiction(line: Line): void {
  const given = CHAINS.filter((key) => line[key] !== undefined)
  if (given.length > 1) {
    throw new AuditError(
      'residency_unknown',
      `expected one of domain_id, domain_ids and platform, got ${given.join(' and ')}`,
    )
  }
}

/** The path is made of the schema's own keys and indexes, so the text shows nothing of the line. */
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

/** Leaves out a key that cannot be the name of a field: it may be the name of a person. */
function keyName(key: string): string {
  return /^[a-z][a-z_]{0,31}$/i.test(key) ? ` ${key}` : ''
}
