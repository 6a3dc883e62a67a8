import type { z } from 'zod'
import { AuditError } from '../../base/errors.js'
import { LIMITS } from '../../chain/limits.js'
import { entrySchema } from './entry-schema.js'
import { snakeCase, toCamelCase } from './field-names.js'
import { LINE_NAMES, lineSchema } from './line-schema.js'
import { JsonProblem, parseStrictJson } from './strict-json.js'

/** An entry whose fields keep every limit of the format. Its chains and its pseudonyms are not known yet. */
export interface InputEntry extends Readonly<z.output<typeof entrySchema>> {
  /** Texts of the subject that name no person. No caller can set this: only an import knows what its identities are. */
  readonly impersonal?: readonly string[] | undefined
}

/** An entry as a caller in code gives it to {@link checkEntry}: every field that has a default may be left out. */
export type UncheckedEntry = Readonly<z.input<typeof entrySchema>>

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
    return entryOfLine(parseStrictJson(bytes))
  } catch (error) {
    // The cause is left out on purpose: it could show the line.
    if (error instanceof JsonProblem) throw new AuditError('invalid_input', error.message)
    throw error
  }
}

/**
 * Checks an entry that was not read from a line (flags, a caller of the library) by the same rules, and fills in the
 * defaults. Throws as {@link parseInputLine} does; a message names a field as a line does.
 */
export function checkEntry(entry: UncheckedEntry): InputEntry {
  const checked = parsed(entrySchema, entry)
  refuseContradiction({ domain_ids: checked.domainIds, platform: checked.platform })
  return checked
}

function entryOfLine(value: unknown): InputEntry {
  const line: Record<string, unknown> = parsed(lineSchema, value)
  refuseContradiction(line)
  if (line.domain_id !== undefined) line.domain_ids = [line.domain_id]
  return toCamelCase(line, LINE_NAMES) as unknown as InputEntry
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value)
  if (!result.success) throw new AuditError('invalid_input', issueText(result.error.issues[0]))
  return result.data
}

const CHAINS = ['domain_id', 'domain_ids', 'platform'] as const

function refuseContradiction(line: Readonly<Record<string, unknown>>): void {
  const given = CHAINS.filter((key) => line[key] !== undefined)
  if (given.length > 1) {
    throw new AuditError(
      'residency_unknown',
      `expected one of domain_id, domain_ids and platform, got ${given.join(' and ')}`,
    )
  }
}

/** The path is made of the schema's own keys and indexes, so the text shows nothing of the entry. */
function issueText(issue: z.core.$ZodIssue | undefined): string {
  const path = issue === undefined ? '' : issue.path.map(String).map(snakeCase).join('.')
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
