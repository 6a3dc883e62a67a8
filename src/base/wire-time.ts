import { formatTimestamp, MAX_MICROS, MIN_MICROS } from '../chain/timestamp.js'

/** A time as PostgreSQL stores it: microseconds since 1970-01-01T00:00:00Z, or an infinite time. */
export type ReadTime = bigint | 'infinity' | '-infinity'

/**
 * Returns a time as RFC 3339 UTC. A time that RFC 3339 cannot write becomes the nearest one that it can: an infinite
 * time, a year before 1 or after 9999. A missing time becomes the earliest one.
 */
export function wireTime(time: ReadTime | undefined): string {
  if (time === undefined || time === '-infinity') return formatTimestamp(MIN_MICROS)
  if (time === 'infinity' || time > MAX_MICROS) return formatTimestamp(MAX_MICROS)
  return formatTimestamp(time < MIN_MICROS ? MIN_MICROS : time)
}
