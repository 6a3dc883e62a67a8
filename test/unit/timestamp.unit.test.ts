import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../../src/chain/format-error.js'
import { formatTimestamp, MAX_MICROS, MIN_MICROS, parseTimestamp } from '../../src/chain/timestamp.js'

describe('parseTimestamp', () => {
  const READ: readonly (readonly [string, bigint])[] = [
    ['1970-01-01T00:00:00Z', 0n],
    ['1970-01-01T00:00:00.000001Z', 1n],
    ['1969-12-31T23:59:59.999999Z', -1n],
    ['1970-01-01T00:00:00.1Z', 100_000n],
    ['1970-01-01T00:00:00.12345Z', 123_450n],
    ['1970-01-01T00:00:00-00:00', 0n],
    ['1970-01-01T01:00:00+01:00', 0n],
    ['1969-12-31T18:30:00.000001-05:30', 1n],
    ['1970-01-01T23:59:00+23:59', 0n],
    ['2000-02-29T00:00:00Z', 951_782_400_000_000n],
    ['2026-04-28T09:59:59.999999Z', 1_777_370_399_999_999n],
    ['0001-01-01T00:00:00Z', MIN_MICROS],
    ['9999-12-31T23:59:59.999999Z', MAX_MICROS],
    ['0000-12-31T23:00:00-01:00', MIN_MICROS],
  ]
  it.each(READ)('parses %s', (text, micros) => {
    expect(parseTimestamp(text)).toBe(micros)
  })

  const REFUSED = [
    '',
    'now',
    '2026-04-28',
    '2026-04-28T10:00:00',
    '2026-04-28 10:00:00Z',
    '2026-04-28T10:00Z',
    '2026-04-28T10:00:00.Z',
    '2026-04-28T10:00:00.1234567Z',
    '2026-04-28T10:00:00,1Z',
    '2026-04-28T10:00:00z',
    '2026-04-28T10:00:00+0100',
    '2026-04-28T10:00:00+24:00',
    '2026-04-28T10:00:00+01:60',
    '2026-04-28T10:00:00Z\n',
    ' 2026-04-28T10:00:00Z',
    '2026-00-28T10:00:00Z',
    '2026-13-28T10:00:00Z',
    '2026-04-00T10:00:00Z',
    '2026-04-31T10:00:00Z',
    '2026-02-29T10:00:00Z',
    '1900-02-29T10:00:00Z',
    '2026-04-28T24:00:00Z',
    '2026-04-28T10:60:00Z',
    '2016-12-31T23:59:60Z',
    '0000-12-31T23:59:59.999999Z',
    '9999-12-31T23:59:59.999999-00:01',
    '0001-01-01T00:00:00+00:01',
    '10000-01-01T00:00:00Z',
    '+002026-04-28T10:00:00Z',
    '२०२६-04-28T10:00:00Z',
  ]
  it.each(REFUSED)('refuses %j, naming the field', (text) => {
    expect(() => parseTimestamp(text, 'since')).toThrow(FormatError)
    expect(() => parseTimestamp(text, 'since')).toThrow(expect.objectContaining({ field: 'since' }))
  })

  it('returns a time or throws FormatError for any text', () => {
    const nearly = fc.stringMatching(
      /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$/,
    )
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearly), (text) => {
        try {
          const micros = parseTimestamp(text)
          expect(parseTimestamp(formatTimestamp(micros))).toBe(micros)
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('formatTimestamp', () => {
  it('writes what parseTimestamp reads, always with six digits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: MIN_MICROS, max: MAX_MICROS }), (micros) => {
        const text = formatTimestamp(micros)
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
        expect(parseTimestamp(text)).toBe(micros)
      }),
      { numRuns: 1000 },
    )
  })

  it('agrees with Date on whole milliseconds', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          expect(formatTimestamp(BigInt(date.getTime()) * 1000n)).toBe(
            date.toISOString().replace('Z', '000Z'),
          )
        },
      ),
    )
  })

  it('gives texts in the order of the times', () => {
    const micros = fc.bigInt({ min: MIN_MICROS, max: MAX_MICROS })
    fc.assert(
      fc.property(micros, micros, (a, b) => {
        expect(formatTimestamp(a) < formatTimestamp(b)).toBe(a < b)
      }),
    )
  })

  it.each([MIN_MICROS - 1n, MAX_MICROS + 1n])('refuses %s', (micros) => {
    expect(() => formatTimestamp(micros)).toThrow(FormatError)
  })
})
