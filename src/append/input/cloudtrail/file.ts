import { z } from 'zod'
import { AuditError } from '../../../base/errors.js'
import { ITEM } from '../../../base/json-repeats.js'
import { readBoundedFile } from '../bounded-file.js'
import { JsonProblem, parseLooseJson } from '../strict-json.js'
import { isFileNote } from './file-note.js'

/** One record of a file, or a line of it that holds none. */
export type TrailItem =
  | { readonly where: string; readonly record: unknown }
  | { readonly where: string; readonly problem: string; readonly bytes: Uint8Array }
  /** The line names a file that an earlier run set aside whole. */
  | { readonly where: string; readonly setAside: string }

/** A JSON file of records. Other keys beside them are ignored. */
const documentSchema = z.object({ Records: z.array(z.unknown()) })

/** A record that is not in a document, as opposed to any other JSON. */
const recordSchema = z
  .object({ eventName: z.unknown(), eventSource: z.unknown(), insightDetails: z.unknown() })
  .partial()
  .refine((record) => Object.values(record).some((value) => value !== undefined))

/**
 * Returns the records of a file, plain or gzip, for the mapping: a document `{"Records":[…]}` as CloudTrail delivers it, or
 * lines that are a record or a document each, as a file of rejects has them. Rejects with `invalid_input` naming the file,
 * or with `file_unreadable`.
 */
export async function readCloudTrailFile(path: string, until?: AbortSignal): Promise<readonly TrailItem[]> {
  const bytes = withoutMark(await readBoundedFile(path, until))
  const whole = parsed(bytes)
  const lines = linesOf(bytes)
  if (whole instanceof JsonProblem) {
    const [first] = lines
    const isLines = lines.length > 1 && first !== undefined && isObject(parsed(first.bytes))
    if (isLines) return lines.flatMap(itemsOfLine)
    throw new AuditError('invalid_input', `${path}: ${bytes.length === 0 ? 'empty' : whole.message}`)
  }
  if (isFileNote(whole)) return lines.flatMap(itemsOfLine)
  return itemsOf(whole, '') ?? refuse(path)
}

function refuse(path: string): never {
  throw new AuditError(
    'invalid_input',
    `${path}: expected {"Records":[…]} as CloudTrail delivers it, or one record per line`,
  )
}

/** Returns the records of a document, or the value itself where it is a record; undefined for any other JSON. */
function itemsOf(value: unknown, line: string): TrailItem[] | undefined {
  const document = documentSchema.safeParse(value)
  if (document.success) {
    return document.data.Records.map((record, i) => ({ where: `${line}record ${i + 1}`, record }))
  }
  return recordSchema.safeParse(value).success
    ? [{ where: line === '' ? 'record 1' : trimmed(line), record: value }]
    : undefined
}

interface Line {
  readonly number: number
  readonly bytes: Uint8Array
}

function itemsOfLine({ number, bytes }: Line): TrailItem[] {
  const where = `line ${number}`
  const value = parsed(bytes)
  if (value instanceof JsonProblem) return [{ where, problem: value.message, bytes }]
  if (isFileNote(value)) return [{ where, setAside: value.set_aside }]
  // A line of another shape is a record that the mapping refuses.
  return itemsOf(value, `${where}, `) ?? [{ where, record: value }]
}

function trimmed(line: string): string {
  return line.replace(/, $/, '')
}

/** Returns the lines that are not blank. */
function linesOf(bytes: Uint8Array): Line[] {
  const lines: Line[] = []
  let start = 0
  for (let number = 1; start < bytes.length; number += 1) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline < 0 ? bytes.length : newline
    const line = bytes.subarray(start, end)
    if (!line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d))
      lines.push({ number, bytes: line })
    start = end + 1
  }
  return lines
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return parseLooseJson(bytes, isUnread)
  } catch (error) {
    if (error instanceof JsonProblem) return error
    throw error
  }
}

/** The members of a record in which the mapping reads nothing, so a key there may occur twice. */
const UNREAD: ReadonlySet<string> = new Set(['requestParameters', 'additionalEventData'])

/**
 * Returns whether a path is inside of what the mapping does not read. Elsewhere, a record with two error codes, an identity
 * with two principals, or a document with two `Records` could be read as the harmless one of both.
 */
function isUnread(path: readonly string[]): boolean {
  const inRecord = path[0] === 'Records' && path[1] === ITEM ? path.slice(2) : path
  return inRecord.length > 1 && UNREAD.has(inRecord[0] ?? '')
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof JsonProblem)
}

function withoutMark(bytes: Uint8Array): Uint8Array {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return marked ? bytes.subarray(3) : bytes
}
