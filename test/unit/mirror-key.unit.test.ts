import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../../src/chain/format-error.js'
import { NIL_UUID } from '../../src/chain/uuid.js'
import { domainPrefix, objectKey, parseKey } from '../../src/mirror/object/key.js'
import { DOMAIN } from '../support/chain-builder.js'
import { domainIdArbitrary } from '../support/entry-arbitrary.js'

const { mirror_keys: vectors }: { mirror_keys: { domain_id: string; seq: number; key: string }[] } =
  JSON.parse(readFileSync(new URL('../vectors/pxa1.json', import.meta.url), 'utf8'))

const seqArbitrary = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const KEY = `audit/${DOMAIN}/00000000000000000042.json.zst`

describe('objectKey', () => {
  it.each(vectors)('returns the key of the vector with seq $seq', ({ domain_id: domainId, seq, key }) => {
    expect(objectKey(domainId, seq)).toBe(key)
    expect(parseKey(key)).toEqual({ domainId, seq })
  })

  it('round-trips, and lies below the prefix of its Domain', () => {
    fc.assert(
      fc.property(domainIdArbitrary, seqArbitrary, (domainId, seq) => {
        const key = objectKey(domainId, seq)
        expect(parseKey(key)).toEqual({ domainId, seq })
        expect(key.startsWith(domainPrefix(domainId))).toBe(true)
        expect(objectKey(domainId.toUpperCase(), seq)).toBe(key)
      }),
    )
  })

  it('sorts like the seqs', () => {
    fc.assert(
      fc.property(seqArbitrary, seqArbitrary, (a, b) => {
        expect(objectKey(DOMAIN, a) < objectKey(DOMAIN, b)).toBe(a < b)
      }),
    )
  })

  it.each([0, -1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('refuses seq %s', (seq) => {
    expect(() => objectKey(DOMAIN, seq)).toThrow(FormatError)
  })

  it.each(['', 'x', NIL_UUID, `${DOMAIN}0`, `${DOMAIN}/..`])('refuses domain %j', (domainId) => {
    expect(() => objectKey(domainId, 1)).toThrow(FormatError)
    expect(() => domainPrefix(domainId)).toThrow(FormatError)
  })
})

describe('parseKey', () => {
  const digits = (text: string) => KEY.replace('00000000000000000042', text)

  it.each([
    ['an empty key', ''],
    ['one digit fewer', digits('0000000000000000042')],
    ['one digit more', digits('000000000000000000042')],
    ['no padding', digits('42')],
    ['blanks for zeros', digits('                  42')],
    ['a sign', digits('+0000000000000000042')],
    ['hex', digits('0x000000000000000042')],
    ['an exponent', digits('0000000000000000042e')],
    ['other digits', digits('0000000000000000004２')],
    ['seq 0', digits('00000000000000000000')],
    ['seq 2^53', digits('00009007199254740992')],
    ['a seq that rounds to one in range', digits('00009007199254740993')],
    ['seq 10^20 - 1', digits('99999999999999999999')],
    ['upper case', KEY.toUpperCase()],
    ['an upper-case Domain', KEY.replace(DOMAIN, DOMAIN.toUpperCase())],
    ['the nil UUID', KEY.replace(DOMAIN, NIL_UUID)],
    ['a Domain without dashes', KEY.replace(DOMAIN, DOMAIN.replaceAll('-', ''))],
    ['another prefix', KEY.replace('audit', 'tlog')],
    ['a slash before', `/${KEY}`],
    ['a double slash', KEY.replace('/', '//')],
    ['a folder deeper', KEY.replace('audit/', 'audit/x/')],
    ['a newline after', `${KEY}\n`],
    ['a line before', `x\n${KEY}`],
    ['another ending', KEY.replace('.zst', '.zs')],
    ['a longer ending', `${KEY}.bak`],
    ['no dot', KEY.replace('.json', 'xjson')],
    ['U+0000', `${KEY}\0`],
  ])('refuses %s', (_, key) => {
    expect(parseKey(key)).toBeUndefined()
  })

  it('accepts only what objectKey returns', () => {
    const mutated = fc
      .tuple(fc.nat(KEY.length - 1), fc.constantFrom(...'0129afAF-/.x \n', ''))
      .map(([at, unit]) => KEY.slice(0, at) + unit + KEY.slice(at + 1))
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string({ unit: 'binary' })), (key) => {
        const place = parseKey(key)
        if (place !== undefined) expect(objectKey(place.domainId, place.seq)).toBe(key)
      }),
      { numRuns: 1000 },
    )
  })
})
