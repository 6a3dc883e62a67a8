import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'

/** Milliseconds, both bounds included. */
type Bounds = { readonly min: number; readonly max: number }

export const SECOND = 1_000
export const HOUR = 3_600 * SECOND

/** The units in milliseconds. A count without a unit is in seconds. */
const UNITS: Readonly<Record<string, number>> = {
  '': SECOND,
  s: SECOND,
  m: 60 * SECOND,
  h: HOUR,
  d: 24 * HOUR,
}

/** Seconds, minutes or hours, with fractions. */
const DURATION = /^(\d{1,6}(?:\.\d{1,3})?)([smh]?)$/

/** A flag whose value is a duration: `30s`, `5m`, `24h`, or seconds without a unit. Its value is in milliseconds. */
export const durationFlag = Flags.custom<number, Bounds>({
  helpValue: 'TIME',
  parse: async (text, _context, bounds) => parseDuration(text, bounds),
})

/** Returns milliseconds. Throws `usage` for anything else, and for a duration out of bounds. */
export function parseDuration(text: string, { min, max }: Bounds): number {
  const duration = durationIn(text, DURATION)
  if (duration !== undefined && duration >= min && duration <= max) return duration
  throw new AuditError(
    'usage',
    `expected a duration such as 30s, 5m or 24h, from ${shown(min)} to ${shown(max)}`,
  )
}

/**
 * Returns the milliseconds of a text that `grammar` matches, or undefined for any other text. The groups of `grammar` are the
 * count and the unit.
 */
export function durationIn(text: string, grammar: RegExp): number | undefined {
  const [, count, unit = ''] = grammar.exec(text) ?? []
  return count === undefined ? undefined : Math.round(Number(count) * (UNITS[unit] ?? 0))
}

function shown(duration: number): string {
  return duration < HOUR ? `${duration / SECOND}s` : `${duration / HOUR}h`
}
