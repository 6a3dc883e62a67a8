import { FormatError } from './format-error.js'

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(Z|[+-]\d{2}:\d{2})$/

/** The years that RFC 3339 can write and every supported PostgreSQL can hold. */
export const MIN_MICROS = -62_135_596_800_000_000n // 0001-01-01T00:00:00.000000Z
export const MAX_MICROS = 253_402_300_799_999_999n // 9999-12-31T23:59:59.999999Z

/**
 * Parses an RFC 3339 time to microseconds since 1970-01-01T00:00:00Z. A JavaScript Date holds milliseconds only, so the
 * fraction is parsed separately. Throws FormatError for anything else, including a date that does not exist.
 */
export function parseTimestamp(text: string, field = 'recorded_at'): bigint {
  const match = RFC3339.exec(text)
  if (match === null)
    throw new FormatError(field, 'expected an RFC 3339 time with at most six fractional digits')
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match
  const millis = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`)
  if (Number.isNaN(millis) || new Date(millis).getUTCDate() !== Number(day)) {
    throw new FormatError(field, 'no such date or time')
  }
  const micros = BigInt(millis) * 1000n + BigInt(fraction.padEnd(6, '0')) - zoneMicros(zone, field)
  if (micros < MIN_MICROS || micros > MAX_MICROS)
    throw new FormatError(field, 'expected a year from 0001 to 9999')
  return micros
}

/** The last time that was formatted. The rows of one append have one time, so that nearly every call repeats the last one. */
let last = { micros: 0n, text: formatted(0n) }

/** Formats a time as RFC 3339 in UTC, with six fractional digits and `Z`. */
export function formatTimestamp(micros: bigint): string {
  if (micros !== last.micros) last = { micros, text: formatted(micros) }
  return last.text
}

function formatted(micros: bigint): string {
  if (micros < MIN_MICROS || micros > MAX_MICROS) {
    throw new FormatError('recorded_at', 'outside the years 0001 to 9999')
  }
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = (micros - fraction) / 1_000_000n
  const date = new Date(Number(seconds) * 1000)
  return `${date.toISOString().slice(0, 19)}.${fraction.toString().padStart(6, '0')}Z`
}

function zoneMicros(zone: string, field: string): bigint {
  if (zone === 'Z') return 0n
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(4, 6))
  if (hours > 23 || minutes > 59) throw new FormatError(field, 'no such time zone offset')
  const offset = BigInt(hours * 60 + minutes) * 60_000_000n
  return zone.startsWith('-') ? -offset : offset
}
