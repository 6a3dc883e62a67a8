import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_MICROS, MIN_MICROS } from '../../src/chain/timestamp.js'
import { placedJson, placedLine } from '../../src/cli/append/placed-line.js'
import { jsonText } from '../../src/cli/output/safe-text.js'

const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const HASH = '0123456789abcdef'.repeat(4)
const ROW = { domainId: DOMAIN, seq: 7, entryHash: HASH, recordedAt: 1_790_000_000_123_456n }
const TIME = '2026-09-21T14:13:20.123456Z'

describe('placedJson', () => {
  it('returns the JSON that any other answer of the command line has', () => {
    const hex = fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: 64, maxLength: 64 })
    const rows = fc.record({
      domainId: fc.uuid(),
      seq: fc.maxSafeNat(),
      entryHash: hex.map((digits) => digits.join('')),
      recordedAt: fc.bigInt(MIN_MICROS, MAX_MICROS),
    })
    fc.assert(
      fc.property(rows, (row) => {
        const { recorded_at, ...rest } = JSON.parse(placedJson(row))
        expect(rest).toEqual({ domain_id: row.domainId, seq: row.seq, entry_hash: row.entryHash })
        expect(placedJson(row)).toBe(jsonText({ ...rest, recorded_at }))
      }),
    )
  })

  it('has the time with six fractional digits', () => {
    expect(JSON.parse(placedJson(ROW)).recorded_at).toBe(TIME)
  })
})

describe('placedLine', () => {
  it.each([
    ['a pipe', undefined, `${DOMAIN}          7  ${HASH}  ${TIME}`],
    ['a wide terminal', 142, `${DOMAIN}          7  ${HASH}  ${TIME}`],
    ['a terminal of 141 columns', 141, `${DOMAIN}          7  01234567…  2026-09-21T14:13:20Z`],
    ['a terminal of 80 columns', 80, `${DOMAIN}          7  01234567…  2026-09-21T14:13:20Z`],
    ['a narrow terminal', 79, '0190a8b8…          7  01234567…  2026-09-21T14:13:20Z'],
  ])('fits %s', (_name, columns, line) => {
    expect(placedLine(ROW, { columns, unicode: true })).toBe(line)
  })

  it('cuts with a dot where the terminal has ASCII alone', () => {
    expect(placedLine(ROW, { columns: 60, unicode: false })).toMatch(/^0190a8b8\. .* 01234567\. /)
  })
})
