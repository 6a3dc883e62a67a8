import { AuditError } from '../base/errors.js'
import { FormatError } from '../chain/format-error.js'
import { MAX_MICROS, parseTimestamp } from '../chain/timestamp.js'

const MICROS = { m: 60_000_000n, h: 3_600_000_000n, d: 86_400_000_000n } as const

/**
 * When a key ends, in microseconds since 1970: an RFC 3339 time, or from `now` on so many minutes, hours or days (`90m`,
 * `12h`, `30d`). Throws `usage`, for a time that is past too.
 */
export function parseExpiry(text: string, now: bigint): bigint {
  const at = fromNow(text, now) ?? timeOf(text)
  if (at > now && at <= MAX_MICROS) return at
  throw new AuditError('usage', 'expected a time that is still to come')
}

function fromNow(text: string, now: bigint): bigint | undefined {
  const [, count, unit] = /^([1-9]\d{0,6})([mhd])$/.exec(text) ?? []
  if (count === undefined) return undefined
  return now + BigInt(count) * MICROS[unit as keyof typeof MICROS]
}

function timeOf(text: string): bigint {
  try {
    return parseTimestamp(text)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new AuditError('usage', 'expected a time (RFC 3339), or how long, as 90m, 12h or 30d')
  }
}
