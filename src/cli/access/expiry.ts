import { AuditError } from '../../base/errors.js'
import { FormatError } from '../../chain/format-error.js'
import { MAX_MICROS, parseTimestamp } from '../../chain/timestamp.js'
import { durationIn } from '../flags/duration.js'

/** Whole minutes, hours or days. */
const FROM_NOW = /^([1-9]\d{0,6})([mhd])$/

/**
 * Returns when a key expires, in microseconds since 1970. Accepts an RFC 3339 time, or a duration from `now` in minutes, hours
 * or days (`90m`, `12h`, `30d`). Throws `usage`, also for a time in the past.
 */
export function parseExpiry(text: string, now: bigint): bigint {
  const duration = durationIn(text, FROM_NOW)
  const at = duration === undefined ? timeOf(text) : now + BigInt(duration) * 1_000n
  if (at > now && at <= MAX_MICROS) return at
  throw new AuditError('usage', 'expected a time in the future')
}

function timeOf(text: string): bigint {
  try {
    return parseTimestamp(text)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new AuditError('usage', 'expected a time (RFC 3339), or a duration such as 90m, 12h or 30d')
  }
}
