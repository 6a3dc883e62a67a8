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

describe('an object’s key', () => {
  it.each(vectors)('is that of the vectors: seq $seq', ({ domain_id: domainId, seq, key }) => {
    expect(objectKey(domainId, seq)).toBe(key)
    expect(parseKey(key)).toEqual({ domainId, seq })
  })

  it('comes back as the place it was made of, and lies below its Domain', () => {
    fc.assert(
      fc.property(domainIdArbitrary, seqArbitrary, (domainId, seq) => {
        const key = objectKey(domainId, seq)
        expect(parseKey(key)).toEqual({ domainId, seq })
        expect(key.startsWith(domainPrefix(domainId))).toBe(true)
        expect(objectKey(domainId.toUpperCase(), seq)).toBe(key)
      }),
    )
  })

  it('sorts as its seq does', () => {
    fc.assert(
      fc.property(seqArbitrary, seqArbitrary, (a, b) => {
        expect(objectKey(DOMAIN, a) < objectKey(DOMAIN, b)).toBe(a < b)
      }),
    )
  })

  it.each([0, -1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('is not made for seq %s', (seq) => {
    expect(() => objectKey(DOMAIN, seq)).toThrow(FormatError)
  })

  it.each(['', 'x', NIL_UUID, `${DOMAIN}0`, `${DOMAIN}/..`])('is not made for domain %j', (domainId) => {
    expect(() => objectKey(domainId, 1)).toThrow(FormatError)
    expect(() => domainPrefix(domainId)).toThrow(FormatError)
  })
})

describe('the parser of keys', () => {
  const digits = (text: string) => KEY.replace('00000000000000000042', text)

  it.each([
    ['nothing', ''],
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
    ['a slash twice', KEY.replace('/', '//')],
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

  it('takes nothing but what the builder makes', () => {
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
