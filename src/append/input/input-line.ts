import { AuditError } from '../../base/errors.js'
import { LIMITS } from '../../chain/limits.js'
import { type CheckedEntry, readEntry, readLine } from './entry-rules.js'
import { snakeCase } from './field-names.js'
import { FieldProblem } from './rules.js'
import { JsonProblem, parseStrictJson } from './strict-json.js'

/** An entry whose fields keep every limit of the format. Its chains and its pseudonyms are not known yet. */
export interface InputEntry extends CheckedEntry {
  /** Texts of the subject that name no person. No caller can set this: only an import knows what its identities are. */
  readonly impersonal?: readonly string[] | undefined
}

type Needed = 'subjectId' | 'relation' | 'object'

type Unset<T> = { readonly [Name in keyof T]?: T[Name] | undefined }

/** An entry as a caller in code gives it to {@link checkEntry}: every field that has a default may be left out. */
export interface UncheckedEntry extends Pick<CheckedEntry, Needed>, Unset<Omit<CheckedEntry, Needed>> {}

/**
 * Returns the entry of one line of NDJSON, given without its newline. Throws AuditError and nothing else:
 * `invalid_input` names the field and the rule; `residency_unknown` is for a line that contradicts itself about its
 * chains. No message holds a value, because lines are full of personal data.
 */
export function parseInputLine(bytes: Uint8Array): InputEntry {
  if (bytes.length > LIMITS.lineBytes) {
    throw new AuditError('invalid_input', `expected a line of at most ${LIMITS.lineBytes} bytes`)
  }
  return withoutCause(() => entryOfLine(parseStrictJson(bytes)))
}

/**
 * Checks an entry that was not read from a line (flags, a caller of the library) by the same rules, and fills in the
 * defaults. Throws as {@link parseInputLine} does; a message names a field as a line does.
 */
export function checkEntry(entry: UncheckedEntry): InputEntry {
  return withoutCause(() => {
    const checked = readEntry(entry)
    refuseContradiction({ domain_ids: checked.domainIds, platform: checked.platform })
    return checked
  })
}

function entryOfLine(value: unknown): InputEntry {
  const entry = readLine(value)
  // It is an object of JSON: readLine refuses any other value.
  refuseContradiction(value as Fields)
  return entry
}

/** Names a problem as `invalid_input`. The cause is left out on purpose: it could show the line. */
function withoutCause(read: () => InputEntry): InputEntry {
  try {
    return read()
  } catch (error) {
    if (error instanceof JsonProblem) throw new AuditError('invalid_input', error.message)
    if (error instanceof FieldProblem) throw new AuditError('invalid_input', fieldText(error))
    throw error
  }
}

type Fields = Readonly<Record<string, unknown>>

function refuseContradiction({ domain_id, domain_ids, platform }: Fields): void {
  const count =
    Number(domain_id !== undefined) + Number(domain_ids !== undefined) + Number(platform !== undefined)
  if (count <= 1) return
  const given = Object.entries({ domain_id, domain_ids, platform }).filter(([, value]) => value !== undefined)
  throw new AuditError(
    'residency_unknown',
    `expected one of domain_id, domain_ids and platform, got ${given.map(([name]) => name).join(' and ')}`,
  )
}

function fieldText({ path, message }: FieldProblem): string {
  return path.length === 0 ? message : `${path.map(String).map(snakeCase).join('.')}: ${message}`
}
