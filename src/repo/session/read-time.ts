import type { ReadTime } from '../../base/wire-time.js'

/**
 * An SQL expression for {@link readTime}: a timestamptz as its microseconds since 1970, an infinite one as its name.
 * Exact, where a float epoch or a JS Date would lose digits; not a bigint, which the last years of Postgres overflow.
 */
export function microsOf(column: string): string {
  return `CASE WHEN isfinite(${column}) THEN trunc(extract(epoch FROM ${column}) * 1000000::numeric)::text ELSE ${column}::text END`
}

export function readTime(text: string): ReadTime
export function readTime(text: string | null): ReadTime | undefined
export function readTime(text: string | null): ReadTime | undefined {
  if (text === null) return undefined
  return text === 'infinity' || text === '-infinity' ? text : BigInt(text)
}
