import type { ReadTime } from '../../base/wire-time.js'

/**
 * Returns an SQL expression for {@link readTime}: the microseconds of a timestamptz since 1970 as text, or the name of an
 * infinite time. The text is exact. A float epoch or a JS Date would lose digits, and the last years that PostgreSQL can
 * store overflow a bigint.
 */
export function microsOf(column: string): string {
  return `CASE WHEN isfinite(${column}) THEN trunc(extract(epoch FROM ${column}) * 1000000::numeric)::text ELSE ${column}::text END`
}

/** Parses the text that {@link microsOf} selects. */
export function readTime(text: string): ReadTime
export function readTime(text: string | null): ReadTime | undefined
export function readTime(text: string | null): ReadTime | undefined {
  if (text === null) return undefined
  return text === 'infinity' || text === '-infinity' ? text : BigInt(text)
}
