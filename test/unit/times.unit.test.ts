import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { formatTimestamp, MAX_MICROS, MIN_MICROS, parseTimestamp } from '../../src/chain/timestamp.js'
import { listParameters } from '../../src/cli/query/flags.js'
import { completeTime, timeAgo, timeBounds } from '../../src/cli/query/times.js'
import { parseFilter } from '../../src/query/list-query.js'

const DAY = 86_400_000_000n
const refused = (message: string) => expect.objectContaining({ code: 'invalid_range', message })
const FORMS = 'expected a time such as 2023-07-10, "2023-07-10 12:00" (UTC) or 2023-07-10T12:00:00Z'

/** The start of any day from year 1 to 9999, in microseconds since 1970. */
const dayArbitrary = fc
  .bigInt({ min: MIN_MICROS / DAY, max: MAX_MICROS / DAY })
  .map((days) => days * DAY)
  .filter((micros) => micros >= MIN_MICROS)

const dayText = (micros: bigint) => formatTimestamp(micros).slice(0, 10)

describe('completeTime', () => {
  it('reads a day as its first and its last microsecond in UTC', () => {
    fc.assert(
      fc.property(dayArbitrary, (start) => {
        expect(parseTimestamp(completeTime(dayText(start), 'from'))).toBe(start)
        expect(parseTimestamp(completeTime(dayText(start), 'to'))).toBe(start + DAY - 1n)
      }),
    )
  })

  it('reads a time without a zone as UTC, with or without seconds and a fraction, whichever end it is for', () => {
    const timeArbitrary = fc.record({
      start: dayArbitrary,
      minutes: fc.integer({ min: 0, max: 1439 }),
      seconds: fc.option(fc.integer({ min: 0, max: 59 }), { nil: undefined }),
      separator: fc.constantFrom(' ', 'T'),
      edge: fc.constantFrom<('from' | 'to')[]>('from', 'to'),
    })
    fc.assert(
      fc.property(timeArbitrary, ({ start, minutes, seconds, separator, edge }) => {
        const micros = start + BigInt(minutes * 60 + (seconds ?? 0)) * 1_000_000n
        const clock = formatTimestamp(micros).slice(11, seconds === undefined ? 16 : 19)
        const text = `${dayText(start)}${separator}${clock}`
        expect(parseTimestamp(completeTime(text, edge))).toBe(micros)
        if (seconds === undefined) return
        expect(parseTimestamp(completeTime(`${text}.000001`, edge))).toBe(micros + 1n)
      }),
    )
  })

  it('returns a time with a zone as it is', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: MIN_MICROS, max: MAX_MICROS }).map(formatTimestamp),
        fc.constantFrom('Z', '+02:00', '-11:30'),
        (text, zone) => {
          const zoned = text.replace('Z', zone)
          expect(completeTime(zoned, 'from')).toBe(zoned)
        },
      ),
    )
  })

  it('throws nothing but invalid_range, and returns only what a filter takes or refuses as invalid_range', () => {
    const near = fc
      .array(
        fc.constantFrom('2023-07-10', '2023', ' ', 'T', '12:00', ':59', '.5', '-', '99', 'Z', '+02:00'),
        { maxLength: 7 },
      )
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), fc.constantFrom('from', 'to'), (text, edge) => {
        try {
          parseFilter(listParameters({ [edge]: text }))
        } catch (error) {
          expect(error).toBeInstanceOf(AuditError)
          expect(error).toMatchObject({ code: 'invalid_range' })
        }
      }),
    )
  })

  it.each<[string, string]>([
    ['2023-02-30', 'from: no such date or time'],
    ['2023-13-01', 'from: no such date or time'],
    ['0000-01-01', 'from: expected a year from 0001 to 9999'],
    ['2023-07-10 24:00', 'from: no such date or time'],
    ['2023-07-10 12:60', 'from: no such date or time'],
    ['2023-07-10 12:00:60', 'from: no such date or time'],
    ['2023-07-10 12', `from: ${FORMS}`],
    ['2023-07-10  12:00', `from: ${FORMS}`],
    ['2023-07-10 12:00 +02:00', `from: ${FORMS}`],
    ['2023-7-10', `from: ${FORMS}`],
    ['10.07.2023', `from: ${FORMS}`],
    ['1688990400', `from: ${FORMS}`],
    ['24h', `from: ${FORMS}`],
    ['yesterday', `from: ${FORMS}`],
    ['', `from: ${FORMS}`],
    [' 2023-07-10', `from: ${FORMS}`],
    ['2023-07-10\n', `from: ${FORMS}`],
  ])('refuses %j', (text, message) => {
    expect(() => completeTime(text, 'from')).toThrow(refused(message))
  })
})

describe('timeAgo', () => {
  const now = Date.parse('2026-03-01T12:00:00.000Z')

  it.each([
    ['30s', '2026-03-01T11:59:30.000000Z'],
    ['0.5s', '2026-03-01T11:59:59.500000Z'],
    ['90m', '2026-03-01T10:30:00.000000Z'],
    ['24h', '2026-02-28T12:00:00.000000Z'],
    ['7d', '2026-02-22T12:00:00.000000Z'],
    ['2w', '2026-02-15T12:00:00.000000Z'],
  ])('returns the time %s before now', (text, time) => {
    expect(timeAgo(text, now)).toBe(time)
  })

  it.each(['', '0s', '24', '-1h', '1 h', '1y', '1h30m', '2023-07-10', '1234567h', '٣h'])(
    'refuses %j',
    (text) => {
      expect(() => timeAgo(text, now)).toThrow(refused('since: expected a duration such as 30m, 24h or 7d'))
    },
  )

  it('refuses a duration that begins before the year 1', () => {
    expect(() => timeAgo('999999w', now)).toThrow(refused('since: 999999w ago is before the year 1'))
  })
})

describe('timeBounds', () => {
  it('covers one whole day where both bounds are this day', () => {
    expect(timeBounds({ from: '2023-07-10', to: '2023-07-10' })).toEqual({
      from: '2023-07-10T00:00:00Z',
      to: '2023-07-10T23:59:59.999999Z',
    })
  })

  it('begins a duration before now', () => {
    expect(timeBounds({ since: '1h' }, 3_600_000)).toEqual({ from: '1970-01-01T00:00:00.000000Z' })
  })
})
