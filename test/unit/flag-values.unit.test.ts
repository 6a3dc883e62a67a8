import { describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { parseExport } from '../../src/cli/bundle/export-flags.js'
import { sharedUrl, withoutPassword } from '../../src/cli/flags/database-url.js'
import { parseDuration } from '../../src/cli/flags/duration.js'
import { flagValue } from '../../src/cli/flags/flag-value.js'
import { parseInteger } from '../../src/cli/flags/integer.js'
import { onSameLog, takeGivenLog } from '../../src/cli/shell/given-log.js'

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

describe('a database URL that is printed', () => {
  it.each([
    ['postgresql://host:5433/db', 'postgresql://host:5433/db', 'postgresql://host:5433/db'],
    ['postgresql://u:p@host/db', 'postgresql://u@host/db', 'postgresql://host/db'],
    ['postgres://:p%40x@host/db?sslmode=require', 'postgres://host/db?sslmode=require', 'postgres://host/db'],
    ['postgres://u@host/db?password=p&SSLPassword=p', 'postgres://u@host/db', 'postgres://host/db'],
    ['postgresql://u:p@/db?host=%2Frun', 'postgresql://u@/db?host=%2Frun', 'postgresql:///db?host=%2Frun'],
    ['postgresql:///db?host=%2Frun', 'postgresql:///db?host=%2Frun', 'postgresql:///db?host=%2Frun'],
  ])('has no password: %s', (url, own, shared) => {
    expect(withoutPassword(url)).toBe(own)
    expect(sharedUrl(url)).toBe(shared)
  })
})

describe('a sentence with commands', () => {
  it.each([
    [
      'run: audit domain list, or: audit domain create',
      'run: audit domain list HOME, or: audit domain create HOME',
    ],
    ['check with "audit list" before', 'check with "audit list HOME" before'],
    ['run: audit verify --all', 'run: audit verify HOME --all'],
    ['run: audit verify --help', 'run: audit verify --help'],
    ['run: audit verify-proof FILE', 'run: audit verify-proof FILE'],
    ['upgrade audit to the version', 'upgrade audit to the version'],
  ])('names the log in each: %s', (sentence, expected) => {
    takeGivenLog({ home: '/a b' })
    expect(onSameLog(sentence)).toBe(expected.replaceAll('HOME', "--home '/a b'"))
    takeGivenLog({})
    expect(onSameLog(sentence)).toBe(sentence)
  })
})
