import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'

/** The bounds are milliseconds, both included. `bareSeconds` also takes a count of seconds without a unit. */
type Grammar = { readonly min: number; readonly max: number; readonly bareSeconds?: boolean }

export const SECOND = 1_000
export const HOUR = 3_600 * SECOND

/** The units in milliseconds. */
const UNITS: Readonly<Record<string, number>> = {
  '': SECOND,
  s: SECOND,
  m: 60 * SECOND,
  h: HOUR,
  d: 24 * HOUR,
  w: 7 * 24 * HOUR,
}

/** Seconds, minutes or hours, with fractions. */
const WITH_UNIT = /^(\d{1,6}(?:\.\d{1,3})?)([smh])$/
const WITH_OR_WITHOUT_UNIT = /^(\d{1,6}(?:\.\d{1,3})?)([smh]?)$/

/** A flag whose value is a duration: `30s`, `5m` or `24h`. Its value is in milliseconds. */
export const durationFlag = Flags.custom<number, Grammar>({
  helpValue: 'TIME',
  parse: async (text, _context, grammar) => parseDuration(text, grammar),
})

/** Returns milliseconds. Throws `usage` for anything else, and for a duration out of bounds. */
export function parseDuration(text: string, { min, max, bareSeconds = false }: Grammar): number {
  const duration = durationIn(text, bareSeconds ? WITH_OR_WITHOUT_UNIT : WITH_UNIT)
  if (duration !== undefined && duration >= min && duration <= max) return duration
  const form = bareSeconds ? 'seconds, or a duration such as 30s or 5m' : 'a duration such as 30s, 5m or 24h'
  throw new AuditError('usage', `expected ${form}, from ${shown(min)} to ${shown(max)}`)
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
