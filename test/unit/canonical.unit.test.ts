import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCanonical, encodeCanonical } from '../../src/chain/canonical.js'
import { canonicalProblem } from '../../src/chain/canonical-problem.js'
import { type ChainedEntry, type Entry, sortCaveats } from '../../src/chain/entry.js'
import { FormatError } from '../../src/chain/format-error.js'
import type { Reason } from '../../src/chain/reason.js'
import { formatTimestamp } from '../../src/chain/timestamp.js'
import { NIL_UUID } from '../../src/chain/uuid.js'
import { DOMAIN, entryAt, OTHER_DOMAIN } from '../support/chain-builder.js'
import { entryArbitrary } from '../support/entry-arbitrary.js'
import { type PlainFields, plainAccepts, plainEncode } from '../support/plain-canonical.js'
import { vectorEntry, vectorRows } from '../support/vectors.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytesOf = (digits: string) => Buffer.from(digits, 'hex')

function plain(entry: Entry, patch: Partial<PlainFields> = {}): Buffer {
  const reasons: readonly Reason[] = ['granted', 'out_of_scope', 'insufficient_relation', 'caveat_violation']
  return plainEncode({
    magic: 'PXA1',
    domain: bytesOf(entry.domainId.replaceAll('-', '')),
    seq: BigInt(entry.seq),
    pseudonym: bytesOf(entry.subjectPseudonym),
    relation: entry.relation,
    object: entry.object,
    reason: reasons.indexOf(entry.reason) + 1,
    path: entry.relationPath,
    caveats: entry.caveatContext,
    correlation: entry.correlationId,
    zedtoken: entry.zedtoken,
    recordedAt: entry.recordedAt,
    ...patch,
  })
}

function thrown(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}

/** Expects both strict readers to refuse the bytes and to name the field. */
function expectRefused(bytes: Uint8Array, field: string): void {
  expect(canonicalProblem(bytes)?.split(':')[0]).toBe(field)
  const error = thrown(() => decodeCanonical(bytes))
  expect(error).toBeInstanceOf(FormatError)
  expect(error).toMatchObject({ field: 'canonical_bytes' })
}

function expectAccepted(bytes: Uint8Array): void {
  expect(canonicalProblem(bytes)).toBeUndefined()
  expect(hex(encodeCanonical(decodeCanonical(bytes)))).toBe(hex(bytes))
}

describe('vectors of an independent implementation', () => {
  it.each(vectorRows.map((row) => [row.domain_id, row.seq, row] as const))(
    'are reproduced for %s, row %i',
    (_domain, _seq, row) => {
      const { prevHash: _prev, entryHash: _hash, ...entry } = vectorEntry(row)
      expect(hex(encodeCanonical(entry))).toBe(row.canonical_hex)
      expect(decodeCanonical(bytesOf(row.canonical_hex))).toEqual(entry)
      expect(canonicalProblem(bytesOf(row.canonical_hex))).toBeUndefined()
      expect(formatTimestamp(entry.recordedAt)).toBe(row.recorded_at)
    },
  )
})

describe('round trip', () => {
  it('decodes what it encodes, and writes the same bytes as the independent encoder', () => {
    fc.assert(
      fc.property(entryArbitrary, (entry) => {
        const bytes = encodeCanonical(entry)
        expect(hex(bytes)).toBe(hex(plain(entry)))
        expect(decodeCanonical(bytes)).toEqual(entry)
        expect(canonicalProblem(bytes)).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })

  it('reads bytes that lie inside a larger buffer', () => {
    const bytes = plain(entryAt(7))
    const inside = Buffer.concat([Buffer.alloc(3, 0xff), bytes, Buffer.alloc(3, 0xff)]).subarray(3, -3)
    expect(decodeCanonical(inside)).toEqual(entryAt(7))
  })

  it('writes a UUID in upper case as the same 16 bytes', () => {
    const upper = entryAt(1, { domainId: DOMAIN.toUpperCase() })
    expect(hex(encodeCanonical(upper))).toBe(hex(encodeCanonical(entryAt(1))))
  })
})

describe('injectivity', () => {
  it('gives different entries different bytes', () => {
    fc.assert(
      fc.property(entryArbitrary, entryArbitrary, (a, b) => {
        fc.pre(JSON.stringify(a, withBigint) !== JSON.stringify(b, withBigint))
        expect(hex(encodeCanonical(a))).not.toBe(hex(encodeCanonical(b)))
      }),
    )
  })

  it('gives different bytes when one field is taken from another entry', () => {
    const fields = Object.keys(entryAt(1)) as (keyof Entry)[]
    fc.assert(
      fc.property(entryArbitrary, entryArbitrary, fc.constantFrom(...fields), (a, b, field) => {
        fc.pre(JSON.stringify(a[field], withBigint) !== JSON.stringify(b[field], withBigint))
        expect(hex(encodeCanonical({ ...a, [field]: b[field] }))).not.toBe(hex(encodeCanonical(a)))
      }),
    )
  })

  const pairs: readonly [string, Partial<Entry>, Partial<Entry>][] = [
    ['two items or one joined', { relationPath: ['a', 'b'] }, { relationPath: ['ab'] }],
    ['items cut elsewhere', { relationPath: ['ab', 'c'] }, { relationPath: ['a', 'bc'] }],
    ['order of the path', { relationPath: ['a', 'b'] }, { relationPath: ['b', 'a'] }],
    ['a repeated item', { relationPath: ['a'] }, { relationPath: ['a', 'a'] }],
    [
      'path or caveats',
      { relationPath: ['a'], caveatContext: [] },
      { relationPath: [], caveatContext: ['a'] },
    ],
    ['caveat or parameter', { caveatContext: ['a', 'b'] }, { caveatContext: ['a.b'] }],
    ['relation or object', { relation: 'ax:', object: 'x:y' }, { relation: 'a', object: 'xx:y' }],
    ['correlation or token', { correlationId: 'a', zedtoken: '' }, { correlationId: '', zedtoken: 'a' }],
    ['cut between both', { correlationId: 'ab', zedtoken: 'c' }, { correlationId: 'a', zedtoken: 'bc' }],
    ['one microsecond', { recordedAt: 0n }, { recordedAt: 1n }],
    ['before and after 1970', { recordedAt: -1n }, { recordedAt: 1n }],
    ['two spellings of é', { correlationId: '\u00e9' }, { correlationId: 'e\u0301' }],
    ['a BOM', { correlationId: '\ufeffa' }, { correlationId: 'a' }],
    ['white space', { zedtoken: 'a ' }, { zedtoken: 'a' }],
    ['lengths that look like text', { correlationId: '\u0001' }, { correlationId: '\u0001\u0001' }],
    ['domain', { domainId: DOMAIN }, { domainId: OTHER_DOMAIN }],
  ]
  it.each(pairs)('distinguishes: %s', (_name, a, b) => {
    expect(hex(encodeCanonical(entryAt(1, a)))).not.toBe(hex(encodeCanonical(entryAt(1, b))))
  })
})

function withBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `n${String(i).padStart(3, '0')}`)
const key = '🔑'

/** The field, the case, the entry, and the same bytes by the independent encoder. */
type Edge = readonly [field: string, name: string, entry: Partial<Entry>, raw: Partial<PlainFields>]

const text = (
  field: string,
  name: string,
  entryKey: keyof Entry,
  rawKey: keyof PlainFields,
  value: unknown,
): Edge => [field, name, { [entryKey]: value }, { [rawKey]: value }]
const relation = (name: string, value: string) => text('relation', name, 'relation', 'relation', value)
const object = (name: string, value: string) => text('object', name, 'object', 'object', value)
const path = (name: string, value: string[]) => text('relation_path', name, 'relationPath', 'path', value)
const caveats = (name: string, value: string[]) =>
  text('caveat_context', name, 'caveatContext', 'caveats', value)
const correlation = (name: string, value: string) =>
  text('correlation_id', name, 'correlationId', 'correlation', value)
const zedtoken = (name: string, value: string) => text('zedtoken', name, 'zedtoken', 'zedtoken', value)
const recordedAt = (name: string, value: bigint) =>
  text('recorded_at', name, 'recordedAt', 'recordedAt', value)
const seq = (name: string, value: bigint): Edge => ['seq', name, { seq: Number(value) }, { seq: value }]

const WITHIN: readonly Edge[] = [
  seq('1', 1n),
  seq('2^32-1', 2n ** 32n - 1n),
  seq('2^32', 2n ** 32n),
  seq('2^53-1', 2n ** 53n - 1n),
  relation('1 byte', 'r'),
  relation('128 bytes', 'r'.repeat(128)),
  relation('32 keys of four bytes', key.repeat(32)),
  relation('128 bytes, most of them in threes', `${'€'.repeat(42)}aa`),
  object('shortest', 'a:b'),
  object('type of 64', `${'a'.repeat(64)}:b`),
  object('type of every kind of character', 'a0_/-z9:b'),
  object('id of 512 bytes', `a:${'i'.repeat(512)}`),
  object('both full', `${'a'.repeat(64)}:${'i'.repeat(512)}`),
  object('id with colons', 'a::b:'),
  object('id of 512 bytes in four-byte characters', `a:${key.repeat(128)}`),
  path('none', []),
  path('64 items', names(64)),
  path('item of 512 bytes', ['p'.repeat(512)]),
  path('64 items of 512 bytes', Array<string>(64).fill('p'.repeat(512))),
  caveats('none', []),
  caveats('64 names', names(64)),
  caveats('a name of 63 and a parameter of 63', [`${'n'.repeat(63)}.${'p'.repeat(63)}`]),
  caveats('every kind of character', ['Az_09._zA9']),
  caveats('byte order: upper case, underscore, lower case', ['A', 'B.a', 'Ba', '_', 'a']),
  caveats('a name and its parameter', ['a', 'a.b', 'aa']),
  correlation('empty', ''),
  correlation('256 bytes', 'c'.repeat(256)),
  correlation('64 keys of four bytes', key.repeat(64)),
  correlation('a BOM alone', '\ufeff'),
  correlation('U+0001 and U+007F', '\u0001\u007f'),
  correlation('the edges of each length', '\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\u{10000}\u{10ffff}'),
  zedtoken('empty', ''),
  zedtoken('1024 bytes', 'z'.repeat(1024)),
  recordedAt('first', -62_135_596_800_000_000n),
  recordedAt('just before 1970', -1n),
  recordedAt('1970', 0n),
  recordedAt('last', 253_402_300_799_999_999n),
]

const BEYOND: readonly Edge[] = [
  ['domain_id', 'nil', { domainId: NIL_UUID }, { domain: new Uint8Array(16) }],
  seq('0', 0n),
  seq('2^53', 2n ** 53n),
  seq('-1', -1n),
  relation('empty', ''),
  relation('129 bytes', 'r'.repeat(129)),
  relation('33 keys of four bytes', key.repeat(33)),
  relation('129 bytes in threes', '€'.repeat(43)),
  relation('U+0000', 'a\0b'),
  object('empty', ''),
  object('no colon', 'abc'),
  object('no type', ':ab'),
  object('no id', 'ab:'),
  object('type of 65', `${'a'.repeat(65)}:b`),
  object('type in upper case', 'Ab:c'),
  object('type that begins with a digit', '0a:b'),
  object('type with a dot', 'a.b:c'),
  object('type with a space', 'a b:c'),
  object('type beyond ASCII', 'aé:b'),
  object('type just below a', '`a:b'),
  object('type just above z', 'a{:b'),
  object('id of 513 bytes', `a:${'i'.repeat(513)}`),
  object('id of 513 bytes in wide characters', `a:${key.repeat(128)}x`),
  object('full type, id of 513 bytes', `${'a'.repeat(64)}:${'i'.repeat(513)}`),
  object('U+0000 in the id', 'a:b\0'),
  path('65 items', names(65)),
  path('empty item', ['a', '']),
  path('item of 513 bytes', ['a', 'p'.repeat(513)]),
  path('U+0000', ['\0']),
  caveats('65 names', names(65)),
  caveats('not sorted', ['b', 'a']),
  caveats('twice', ['a', 'a']),
  caveats('sorted by dictionary, not bytes', ['a', 'B']),
  caveats('a name behind its own parameter', ['a.b', 'a']),
  caveats('empty', ['']),
  caveats('name of 64', ['n'.repeat(64)]),
  caveats('parameter of 64', [`n.${'p'.repeat(64)}`]),
  caveats('no parameter', ['n.']),
  caveats('no name', ['.p']),
  caveats('two dots', ['a.b.c']),
  caveats('begins with a digit', ['0a']),
  caveats('parameter begins with a digit', ['a.0']),
  caveats('a bound value', ['cidr=10.0.0.0/8']),
  caveats('a value in the parameter', ['within.start:2026']),
  caveats('beyond ASCII', ['é']),
  caveats('a final newline', ['a\n']),
  caveats('just around the letters', ['@']),
  caveats('just above the letters', ['{']),
  correlation('257 bytes', 'c'.repeat(257)),
  correlation('257 bytes in wide characters', `${key.repeat(64)}x`),
  correlation('U+0000', '\0'),
  zedtoken('1025 bytes', 'z'.repeat(1025)),
  zedtoken('U+0000', 'z\0'),
  recordedAt('before the first', -62_135_596_800_000_001n),
  recordedAt('after the last', 253_402_300_800_000_000n),
]

describe('limits', () => {
  it.each(WITHIN)('accept %s: %s', (_field, _name, patch, raw) => {
    const bytes = plain(entryAt(1), raw)
    expect(hex(encodeCanonical(entryAt(1, patch)))).toBe(hex(bytes))
    expectAccepted(bytes)
    expect(plainAccepts(bytes)).toBe(true)
  })

  it.each(BEYOND)('refuse %s: %s', (field, _name, patch, raw) => {
    const error = thrown(() => encodeCanonical(entryAt(1, patch)))
    expect(error).toBeInstanceOf(FormatError)
    expect(error).toMatchObject({ field })
    const bytes = plain(entryAt(1), raw)
    expectRefused(bytes, field)
    expect(plainAccepts(bytes)).toBe(false)
  })

  const onlyInMemory: readonly [string, string, Partial<Record<keyof Entry, unknown>>][] = [
    ['domain_id', 'empty', { domainId: '' }],
    ['domain_id', 'without hyphens', { domainId: DOMAIN.replaceAll('-', '') }],
    ['domain_id', 'a digit too many', { domainId: `${DOMAIN}0` }],
    ['seq', 'a fraction', { seq: 1.5 }],
    ['seq', 'NaN', { seq: Number.NaN }],
    ['subject_pseudonym', 'too short', { subjectPseudonym: 'a'.repeat(63) }],
    ['subject_pseudonym', 'too long', { subjectPseudonym: 'a'.repeat(65) }],
    ['subject_pseudonym', 'upper case', { subjectPseudonym: 'A'.repeat(64) }],
    ['reason', 'unknown', { reason: 'denied' }],
    ['relation', 'a lone surrogate', { relation: 'a\ud800' }],
    ['object', 'a lone surrogate', { object: 'a:\udc00b' }],
    ['relation_path', 'a lone surrogate', { relationPath: ['\ud83d'] }],
    ['correlation_id', 'surrogates the wrong way round', { correlationId: '\udc00\ud800' }],
    ['zedtoken', 'a lone surrogate', { zedtoken: '\ud800' }],
  ]
  it.each(onlyInMemory)('do not encode %s: %s', (field, _name, patch) => {
    const entry: ChainedEntry = { ...entryAt(1), prevHash: '', entryHash: '', ...(patch as Partial<Entry>) }
    const error = thrown(() => encodeCanonical(entry))
    expect(error).toBeInstanceOf(FormatError)
    expect(error).toMatchObject({ field })
  })

  it('refuse every reason except 1 to 4', () => {
    for (let reason = 0; reason < 256; reason += 1) {
      const bytes = plain(entryAt(1), { reason })
      if (reason >= 1 && reason <= 4) expectAccepted(bytes)
      else expectRefused(bytes, 'reason')
    }
  })

  it('accept any names after sortCaveats', () => {
    const caveatContext = sortCaveats(['b', 'a.z', 'B', 'a', 'b', '_'])
    expect(caveatContext).toEqual(['B', '_', 'a', 'a.z', 'b'])
    expectAccepted(encodeCanonical(entryAt(1, { caveatContext })))
  })
})

describe('ill-formed UTF-8', () => {
  const bad: readonly [string, string][] = [
    ['a continuation byte alone', '80'],
    ['a lead byte at the end', 'c3'],
    ['three bytes cut to two', 'e282'],
    ['four bytes cut to three', 'f09f94'],
    ['a lead byte before ASCII', 'c341'],
    ['overlong U+0000 in two bytes', 'c080'],
    ['overlong slash', 'c0af'],
    ['overlong U+007F in two bytes', 'c1bf'],
    ['overlong U+07FF in three bytes', 'e09fbf'],
    ['overlong U+FFFF in four bytes', 'f08fbfbf'],
    ['the first surrogate', 'eda080'],
    ['the last surrogate', 'edbfbf'],
    ['CESU-8', 'eda0bdedb491'],
    ['U+110000', 'f4908080'],
    ['lead byte F5', 'f5808080'],
    ['five bytes', 'f888808080'],
    ['byte FE', 'fe'],
    ['byte FF', 'ff'],
    ['second byte fine, third not', 'e28241'],
    ['fourth byte not', 'f09f9441'],
    ['U+0000', '00'],
    ['U+0000 behind text', '616200'],
  ]
  const places: readonly [string, (bytes: Buffer) => Partial<PlainFields>][] = [
    ['relation', (relation) => ({ relation })],
    ['object', (id) => ({ object: Buffer.concat([Buffer.from('a:'), id]) })],
    ['relation_path', (item) => ({ path: ['a', item] })],
    ['caveat_context', (name) => ({ caveats: ['a', name] })],
    ['correlation_id', (correlation) => ({ correlation })],
    ['zedtoken', (zedtoken) => ({ zedtoken })],
  ]
  const cases = bad.flatMap(([name, digits]) =>
    places.map(([field, at]) => [name, field, digits, at] as const),
  )
  it.each(cases)('is refused: %s in %s', (_name, field, digits, at) => {
    expectRefused(plain(entryAt(1), at(bytesOf(digits))), field)
  })

  it('is what TextDecoder refuses, for every sequence of one and two bytes and for random longer ones', () => {
    const agree = (correlation: Buffer) => {
      const bytes = plain(entryAt(1), { correlation })
      expect(canonicalProblem(bytes) === undefined, correlation.toString('hex')).toBe(plainAccepts(bytes))
    }
    for (let a = 0; a < 256; a += 1) agree(Buffer.of(a))
    for (let a = 0xbf; a < 256; a += 1) for (let b = 0; b < 256; b += 1) agree(Buffer.of(a, b))
    const byte = fc.oneof(
      fc.constantFrom(0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2, 0xe0, 0xed, 0xf0, 0xf4),
      fc.nat(255),
    )
    fc.assert(
      fc.property(fc.array(byte, { minLength: 3, maxLength: 8 }), (b) => agree(Buffer.from(b))),
      { numRuns: 3000 },
    )
  })
})

describe('decodeCanonical', () => {
  const whole = plain(entryAt(3))

  it('refuses every prefix of canonical bytes', () => {
    for (let length = 0; length < whole.length; length += 1) {
      expect(canonicalProblem(whole.subarray(0, length))).toBeDefined()
      expect(thrown(() => decodeCanonical(whole.subarray(0, length)))).toBeInstanceOf(FormatError)
    }
  })

  it('refuses one byte more', () => {
    for (const extra of [0, 1, 0xff]) expectRefused(Buffer.concat([whole, Buffer.of(extra)]), 'recorded_at')
    expectRefused(Buffer.concat([whole, whole]), 'recorded_at')
  })

  it.each([1, 2, 8, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])(
    'refuses every length that is too large by %i',
    (more) => {
      for (const at of lengthOffsets(whole)) {
        const bytes = Buffer.from(whole)
        bytes.writeUInt32BE((bytes.readUInt32BE(at) + more) >>> 0, at)
        expect(plainAccepts(bytes)).toBe(false)
        expect(canonicalProblem(bytes)).toBeDefined()
        expect(thrown(() => decodeCanonical(bytes))).toBeInstanceOf(FormatError)
      }
    },
  )

  it.each(['PXA0', 'PXA2', 'pxa1', '\0\0\0\0'])('refuses the magic %j', (magic) => {
    expectRefused(plain(entryAt(1), { magic }), 'magic')
  })
})

/** Returns the offsets of the lengths and counts of {@link entryAt}. */
function lengthOffsets(bytes: Buffer): number[] {
  const offsets: number[] = []
  let at = 60
  const skip = () => {
    offsets.push(at)
    at += 4 + bytes.readUInt32BE(at)
  }
  const skipList = () => {
    const count = bytes.readUInt32BE(at)
    offsets.push(at)
    at += 4
    for (let i = 0; i < count; i += 1) skip()
  }
  skip()
  skip()
  at += 1
  skipList()
  skipList()
  skip()
  skip()
  return offsets
}

describe('any bytes', () => {
  const anyBytes = fc.uint8Array({ maxLength: 400 })
  const mutation = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), at: fc.nat(), byte: fc.nat(255) }),
    fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), byte: fc.nat(255) }),
    fc.record({ kind: fc.constant('remove' as const), at: fc.nat(), byte: fc.nat(3) }),
    fc.record({ kind: fc.constant('length' as const), at: fc.nat(), byte: fc.nat(255) }),
  )
  type Mutation = { kind: 'set' | 'insert' | 'remove' | 'length'; at: number; byte: number }

  function mutated(bytes: Uint8Array, { kind, at, byte }: Mutation): Uint8Array {
    const place = at % bytes.length
    const before = bytes.subarray(0, place)
    if (kind === 'set') return Buffer.concat([before, Buffer.of(byte), bytes.subarray(place + 1)])
    if (kind === 'insert') return Buffer.concat([before, Buffer.of(byte), bytes.subarray(place)])
    if (kind === 'remove') return Buffer.concat([before, bytes.subarray(place + 1 + byte)])
    return Buffer.concat([before, Buffer.of(0, 0, 0, byte), bytes.subarray(place + 4)])
  }
  const nearlyCanonical = fc
    .tuple(entryArbitrary, fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(([entry, mutations]) =>
      mutations.reduce(
        (bytes, m) => (bytes.length === 0 ? bytes : mutated(bytes, m)),
        encodeCanonical(entry),
      ),
    )

  it('decode and encode to themselves, or are refused with FormatError', () => {
    fc.assert(
      fc.property(
        fc.oneof({ weight: 1, arbitrary: anyBytes }, { weight: 9, arbitrary: nearlyCanonical }),
        (bytes) => {
          const error = thrown(() => decodeCanonical(bytes))
          if (error === undefined) expect(hex(encodeCanonical(decodeCanonical(bytes)))).toBe(hex(bytes))
          else expect(error).toBeInstanceOf(FormatError)
          expect(canonicalProblem(bytes) === undefined).toBe(error === undefined)
          expect(plainAccepts(bytes)).toBe(error === undefined)
        },
      ),
      { numRuns: 4000 },
    )
  })
})
