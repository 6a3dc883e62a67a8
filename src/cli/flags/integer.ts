import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'

/** The values that a flag takes, both bounds included. Without bounds: any whole number of up to six digits. */
type Bounds = { readonly min?: number; readonly max?: number }

/** A flag whose value is a whole number. Other values are refused with `usage`. */
export const integerFlag = Flags.custom<number, Bounds>({
  helpValue: 'N',
  parse: async (text, _context, bounds) => parseInteger(text, bounds),
})

/** Throws `usage` unless the text is decimal digits within the bounds. `otherwise` names other accepted values, for the message. */
export function parseInteger(text: string, { min = 0, max }: Bounds, otherwise = ''): number {
  const value = /^0*\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= (max ?? value)) return value
  const range = max === undefined ? '' : ` from ${min} to ${max}`
  throw new AuditError('usage', `expected a whole number${range}${otherwise}`)
}
