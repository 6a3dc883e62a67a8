import { describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { parseExport } from '../../src/cli/bundle/export-flags.js'
import { parseDuration } from '../../src/cli/flags/duration.js'
import { flagValue } from '../../src/cli/flags/flag-value.js'
import { parseInteger } from '../../src/cli/flags/integer.js'

const usage = (message: string) => expect.objectContaining({ code: 'usage', message })

describe('parseInteger', () => {
  it.each([
    ['0', { min: 0, max: 65_535 }, 0],
    ['65535', { min: 0, max: 65_535 }, 65_535],
    ['007', { min: 1, max: 9 }, 7],
    ['999999', {}, 999_999],
  ])('returns the number of %s', (text, bounds, value) => {
    expect(parseInteger(text, bounds)).toBe(value)
  })

  it.each(['', ' 1', '-1', '+1', '1.0', '1e2', '0x1', '1234567', '٣', 'off', '65536'])(
    'refuses %j',
    (text) => {
      expect(() => parseInteger(text, { min: 0, max: 65_535 })).toThrow(
        usage('expected a whole number from 0 to 65535'),
      )
    },
  )
})

describe('parseDuration', () => {
  const bounds = { min: 100, max: 24 * 3_600_000 }

  it.each([
    ['30s', 30_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
    ['0.1s', 100],
    ['0.5m', 30_000],
  ])('returns the milliseconds of %s', (text, value) => {
    expect(parseDuration(text, bounds)).toBe(value)
  })

  it('takes seconds without a unit only where the flag allows them', () => {
    expect([
      parseDuration('1.5', { ...bounds, bareSeconds: true }),
      parseDuration('2', { ...bounds, bareSeconds: true }),
    ]).toEqual([1_500, 2_000])
    expect(() => parseDuration('5h', { ...bounds, max: 3_600_000, bareSeconds: true })).toThrow(
      usage('expected seconds, or a duration such as 30s or 5m, from 0.1s to 1h'),
    )
  })

  it.each(['', '24', 's', '-1s', '1d', '1 s', '1e1s', '.5s', '1.2345s', '0.05s', '25h', 'soon'])(
    'refuses %j',
    (text) => {
      expect(() => parseDuration(text, bounds)).toThrow(
        usage('expected a duration such as 30s, 5m or 24h, from 0.1s to 24h'),
      )
    },
  )
})

describe('parseExport', () => {
  it('refuses the reason "unknown", which covers several stored values', () => {
    expect(() => parseExport({ reason: ['unknown'] })).toThrow(
      usage('reason unknown: cannot be exported by itself'),
    )
  })
})

describe('flagValue', () => {
  it('returns what the parser returns', () => {
    expect(flagValue('--group', () => 7)).toBe(7)
  })

  it('puts the name of the flag in front of the message, and keeps code and advice', () => {
    const parse = () => {
      throw new AuditError('invalid_input', 'expected a name', { advice: { code: 'list_keys' } })
    }
    expect(() => flagValue('--group', parse)).toThrow(
      expect.objectContaining({
        code: 'invalid_input',
        message: '--group: expected a name',
        advice: { code: 'list_keys' },
      }),
    )
  })

  it('keeps the hint of an error', () => {
    const parse = () => {
      throw new AuditError('invalid_input', 'expected a name', { hint: 'names are listed in the manual' })
    }
    expect(() => flagValue('--group', parse)).toThrow(
      expect.objectContaining({
        message: '--group: expected a name',
        hint: 'names are listed in the manual',
      }),
    )
  })

  it('throws other errors as they are', () => {
    const bug = new TypeError('a bug')
    const parse = () => {
      throw bug
    }
    expect(() => flagValue('--group', parse)).toThrow(bug)
  })
})
