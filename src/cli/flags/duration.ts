import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'

/** Milliseconds, both bounds included. */
type Bounds = { readonly min: number; readonly max: number }

export const SECOND = 1_000
export const HOUR = 3_600 * SECOND

const UNITS: Readonly<Record<string, number>> = { '': SECOND, s: SECOND, m: 60 * SECOND, h: HOUR }

/** A flag whose value is a duration: `30s`, `5m`, `24h`, or seconds without a unit. Its value is in milliseconds. */
export const durationFlag = Flags.custom<number, Bounds>({
  helpValue: 'TIME',
  parse: async (text, _context, bounds) => parseDuration(text, bounds),
})

/** Returns milliseconds. Throws `usage` for anything else, and for a duration out of bounds. */
export function parseDuration(text: string, { min, max }: Bounds): number {
  const [, count = '', unit = ''] = /^(\d{1,6}(?:\.\d{1,3})?)([smh]?)$/.exec(text) ?? []
  const duration = count === '' ? Number.NaN : Math.round(Number(count) * (UNITS[unit] ?? 0))
  if (duration >= min && duration <= max) return duration
  throw new AuditError(
    'usage',
    `expected a duration such as 30s, 5m or 24h, from ${shown(min)} to ${shown(max)}`,
  )
}

function shown(duration: number): string {
  return duration < HOUR ? `${duration / SECOND}s` : `${duration / HOUR}h`
}
