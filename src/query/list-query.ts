import { AuditError } from '../base/errors.js'
import { positiveInteger } from '../base/positive-integer.js'
import type { RowReason } from '../base/row-filter.js'
import { FormatError } from '../chain/format-error.js'
import { LIMITS, textProblem } from '../chain/limits.js'
import { isReason } from '../chain/reason.js'
import { MAX_MICROS, parseTimestamp } from '../chain/timestamp.js'
import type { EntryFilter } from '../ports/query.js'

export const DEFAULT_LIMIT = 50
export const MAX_LIMIT = 200

/** The query parameters of a list as they arrive: all optional, all text. */
export interface ListParameters {
  readonly limit?: string | undefined
  readonly subject?: string | undefined
  readonly relation?: string | undefined
  /** An object as `type:id`, in place of `objectType` and `objectId`. */
  readonly object?: string | undefined
  readonly objectType?: string | undefined
  readonly objectId?: string | undefined
  readonly reasons?: readonly string[] | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly correlationId?: string | undefined
}

/** Returns a limit of 1 to 200, or 50 by default. Throws `invalid_limit` for any other text instead of clamping it. */
export function parseLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT
  const limit = positiveInteger(text)
  if (limit !== undefined && limit <= MAX_LIMIT) return limit
  throw new AuditError('invalid_limit', `limit: expected 1 to ${MAX_LIMIT}`, {
    advice: { code: 'page_or_stream' },
  })
}

/** Returns a seq of 1 to 2^53-1. Throws `invalid_seq`. */
export function parseSeq(text: string): number {
  const seq = positiveInteger(text)
  if (seq !== undefined && seq <= LIMITS.maxSeq) return seq
  throw new AuditError('invalid_seq', 'seq: expected 1 to 2^53-1')
}

/** Returns the filter. Throws `invalid_subject`, `invalid_range` or, for the other parameters, `invalid_input`. */
export function parseFilter(parameters: ListParameters): EntryFilter {
  const { subject, relation, reasons } = parameters
  return {
    subjectPseudonym: subject === undefined ? undefined : parseSubject(subject),
    relation: text('relation', relation, 1, LIMITS.relationBytes),
    ...parseObject(parameters),
    reasons: reasons?.map(parseReason),
    ...parseRange(parameters),
    correlationId: text('correlation_id', parameters.correlationId, 0, LIMITS.correlationIdBytes),
  }
}

/** Returns a pseudonym in lower case. The error does not repeat the text, which may be a plaintext id. */
function parseSubject(subject: string): string {
  if (/^[0-9a-f]{64}$/i.test(subject)) return subject.toLowerCase()
  throw new AuditError('invalid_subject', 'subject: expected a pseudonym of 64 hex digits', {
    advice: { code: 'search_by_subject_id' },
  })
}

/** Returns the text. Refuses a text that no row can have, which would match nothing, and an empty one: an unset variable. */
function text(field: string, value: string | undefined, min: number, max: number): string | undefined {
  if (value === undefined) return undefined
  const problem = textProblem(value, min, max)
  if (problem !== undefined) throw new AuditError('invalid_input', `${field}: ${problem}`)
  return value
}

function parseObject({
  object,
  objectType,
  objectId,
}: ListParameters): Pick<EntryFilter, 'objectType' | 'objectId'> {
  if (object !== undefined) return splitObject(object)
  return {
    objectType: parseObjectType(objectType),
    objectId: text('object_id', objectId, 1, LIMITS.objectIdBytes),
  }
}

/** Splits at the first colon: an id may have colons. */
function splitObject(object: string): Pick<EntryFilter, 'objectType' | 'objectId'> {
  const colon = object.indexOf(':')
  if (colon < 0) throw new AuditError('invalid_input', 'object: expected type:id')
  return parseObject({ objectType: object.slice(0, colon), objectId: object.slice(colon + 1) })
}

function parseObjectType(type: string | undefined): string | undefined {
  if (type?.includes(':')) throw new AuditError('invalid_input', 'object_type: expected no colon')
  return text('object_type', type, 1, 64)
}

function parseReason(reason: string): RowReason {
  if (reason === 'unknown' || isReason(reason)) return reason
  throw new AuditError(
    'invalid_input',
    'reason: expected granted, out_of_scope, insufficient_relation, caveat_violation or unknown',
  )
}

function parseRange({ from, to }: ListParameters): Pick<EntryFilter, 'from' | 'to'> {
  const range = { from: bound('from', from), to: bound('to', to) }
  if (range.from !== undefined && range.to !== undefined && range.to < range.from) {
    throw new AuditError('invalid_range', 'to: expected a time that is not before from')
  }
  return range
}

/** Returns the range of the event's own time, given as RFC 3339. Throws `invalid_range`. */
export function parseEventRange({
  from,
  to,
}: Pick<ListParameters, 'from' | 'to'>): Pick<EntryFilter, 'eventFrom' | 'eventTo'> {
  const [eventFrom, eventTo] = [bound('event_from', from), bound('event_to', to)]
  if (eventFrom !== undefined && eventTo !== undefined && eventTo < eventFrom) {
    throw new AuditError('invalid_range', 'event_to: expected a time that is not before event_from')
  }
  return { eventFrom, eventTo }
}

/**
 * Returns a bound in microseconds. Clients send nanoseconds (Go's time.Time as JSON) and rows hold microseconds, so a bound
 * between two microseconds moves to the one inside the range.
 */
function bound(
  field: 'from' | 'to' | 'event_from' | 'event_to',
  value: string | undefined,
): bigint | undefined {
  if (value === undefined) return undefined
  const [, head = value, beyond = '', zone = ''] =
    /^(.*\.\d{6})(\d{1,12})(Z|[+-]\d\d:\d\d)$/i.exec(value) ?? []
  try {
    const micros = parseTimestamp(`${head}${zone}`.toUpperCase(), field)
    const between = /[1-9]/.test(beyond) && field.endsWith('from') && micros < MAX_MICROS
    return between ? micros + 1n : micros
  } catch (error) {
    if (error instanceof FormatError) throw new AuditError('invalid_range', error.message)
    throw error
  }
}
