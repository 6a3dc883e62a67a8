import { AuditError } from '../base/errors.js'
import { positiveInteger } from '../base/positive-integer.js'
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
  readonly objectType?: string | undefined
  readonly objectId?: string | undefined
  readonly reason?: string | undefined
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
  const { subject, relation, reason } = parameters
  return {
    subjectPseudonym: subject === undefined ? undefined : parseSubject(subject),
    relation: text('relation', relation, 1, LIMITS.relationBytes),
    objectType: parseObjectType(parameters.objectType),
    objectId: text('object_id', parameters.objectId, 1, LIMITS.objectIdBytes),
    reason: parseReason(reason),
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

function parseObjectType(type: string | undefined): string | undefined {
  if (type?.includes(':')) throw new AuditError('invalid_input', 'object_type: expected no colon')
  return text('object_type', type, 1, 64)
}

function parseReason(reason: string | undefined): EntryFilter['reason'] {
  if (reason === undefined || reason === 'unknown' || isReason(reason)) return reason
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

/**
 * Returns a bound in microseconds. Clients send nanoseconds (Go's time.Time as JSON) and rows hold microseconds, so a bound
 * between two microseconds moves to the one inside the range.
 */
function bound(field: 'from' | 'to', value: string | undefined): bigint | undefined {
  if (value === undefined) return undefined
  const [, head = value, beyond = '', zone = ''] =
    /^(.*\.\d{6})(\d{1,12})(Z|[+-]\d\d:\d\d)$/i.exec(value) ?? []
  try {
    const micros = parseTimestamp(`${head}${zone}`.toUpperCase(), field)
    const between = /[1-9]/.test(beyond) && field === 'from' && micros < MAX_MICROS
    return between ? micros + 1n : micros
  } catch (error) {
    if (error instanceof FormatError) throw new AuditError('invalid_range', error.message)
    throw error
  }
}
