import { AuditError } from '../../base/errors.js'
import { FormatError } from '../../chain/format-error.js'
import { formatTimestamp, MIN_MICROS, parseTimestamp } from '../../chain/timestamp.js'
import type { EntryFilter } from '../../ports/query.js'
import { durationIn } from '../flags/duration.js'
import { note } from '../output/streams.js'

/** The end of a range that a time is for: a day begins at its first microsecond, and ends with its last. */
export type Edge = 'from' | 'to'

const DAY = /^\d{4}-\d{2}-\d{2}$/
/** A date and a time without a zone. The seconds and their fraction may be left out. */
const WITHOUT_ZONE = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(:\d{2}(?:\.\d{1,6})?)?$/
/** A text that is meant to be RFC 3339: it names its zone. */
const WITH_ZONE = /^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})$/i
const AGO = /^(\d{1,6}(?:\.\d{1,3})?)([smhdw])$/

const FORMS = 'expected a time such as 2023-07-10, "2023-07-10 12:00" (UTC) or 2023-07-10T12:00:00Z'

/** Returns whether a text is a time that this program completes: it has no zone, or is a whole day. */
function isIncomplete(text: string): boolean {
  return DAY.test(text) || WITHOUT_ZONE.test(text)
}

/**
 * Returns a time as RFC 3339. Completes a day and a time without a zone as UTC, and returns a text that names its zone as it
 * is. `field` is the name in front of the error. Throws `invalid_range`.
 */
export function completeTime(text: string, edge: Edge, field: string = edge): string {
  if (DAY.test(text)) return checked(field, `${text}T${edge === 'from' ? '00:00:00' : '23:59:59.999999'}Z`)
  const [, date, clock, seconds = ':00'] = WITHOUT_ZONE.exec(text) ?? []
  if (date !== undefined) return checked(field, `${date}T${clock}${seconds}Z`)
  if (WITH_ZONE.test(text)) return text
  throw new AuditError('invalid_range', `${field}: ${FORMS}`)
}

/**
 * Returns the time that lies a duration before `now`, as RFC 3339. `now` is milliseconds since 1970. Throws `invalid_range` for
 * anything but a duration, and for one that begins before the year 1.
 */
export function timeAgo(text: string, now: number): string {
  const duration = durationIn(text, AGO)
  if (duration === undefined || duration === 0) {
    throw new AuditError('invalid_range', 'since: expected a duration such as 30m, 24h or 7d')
  }
  const micros = BigInt(now - duration) * 1000n
  if (micros < MIN_MICROS) throw new AuditError('invalid_range', `since: ${text} ago is before the year 1`)
  return formatTimestamp(micros)
}

/** The time flags as oclif's parser returns them. */
export interface GivenTimes {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly since?: string | undefined
  readonly 'event-from'?: string | undefined
  readonly 'event-to'?: string | undefined
}

/** Returns the bounds of the time flags as RFC 3339. Throws `invalid_range`. */
export function timeBounds({ from, to, since }: GivenTimes, now = Date.now()): Pick<GivenTimes, Edge> {
  const start = from === undefined ? undefined : completeTime(from, 'from')
  return {
    from: since === undefined ? start : timeAgo(since, now),
    to: to === undefined ? undefined : completeTime(to, 'to'),
  }
}

/** Notes which instants were understood, where a time was given in a form that this program completes. */
export function noteTimes(
  given: GivenTimes,
  understood: Pick<EntryFilter, Edge | 'eventFrom' | 'eventTo'>,
): void {
  const texts = [given.from, given.to, given['event-from'], given['event-to']]
  if (given.since === undefined && !texts.some((text = '') => isIncomplete(text))) return
  const { from, to, eventFrom, eventTo } = understood
  const bounds = Object.entries({ from, to, event_from: eventFrom, event_to: eventTo }).flatMap(
    ([name, micros]) => (micros === undefined ? [] : [`${name} ${formatTimestamp(micros)}`]),
  )
  note(`note: times are in UTC: ${bounds.join(' ')}`)
}

function checked(field: string, text: string): string {
  try {
    parseTimestamp(text, field)
    return text
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new AuditError('invalid_range', error.message, { cause: error })
  }
}
