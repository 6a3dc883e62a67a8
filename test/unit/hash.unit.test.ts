import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { FormatError } from '../../src/chain/format-error.js'
import {
  asHash,
  type Hasher,
  hashBytes,
  hashText,
  isHash,
  nobleHasher,
  pseudonym,
  ZERO_HASH,
} from '../../src/chain/hash.js'
import { hashArbitrary } from '../support/entry-arbitrary.js'
import { vectorRows, vectors } from '../support/vectors.js'

const bytesOf = (digits: string) => Buffer.from(digits, 'hex')
const sha256 = (...parts: readonly Uint8Array[]) =>
  createHash('sha256').update(Buffer.concat(parts)).digest('hex')

const HASHERS: readonly (readonly [string, Hasher])[] = [
  ['nobleHasher', nobleHasher],
  ['nodeHasher', nodeHasher],
]

describe.each(HASHERS)('%s', (_name, hasher) => {
  it.each(vectorRows.map((row) => [row.domain_id, row.seq, row] as const))(
    'reproduces the vector %s, row %i',
    (_d, _s, row) => {
      const canonicalHash = hasher.canonical(bytesOf(row.canonical_hex))
      expect(canonicalHash).toBe(row.canonical_sha256)
      expect(hasher.link(row.prev_hash, canonicalHash)).toBe(row.entry_hash)
    },
  )

  it('gives the same entry_hash for a prev_hash as bytes and as text', () => {
    fc.assert(
      fc.property(hashArbitrary, fc.uint8Array({ maxLength: 300 }), fc.nat(9), (prevHash, bytes, at) => {
        const place = Buffer.concat([Buffer.alloc(at, 0xff), bytesOf(prevHash), Buffer.of(0xff)])
        expect(hashText(hasher.entryAt(place, at, bytes))).toBe(hasher.entry(prevHash, bytes))
        expect(hashText(hashBytes(prevHash))).toBe(prevHash)
      }),
    )
  })

  it('computes SHA-256 of any bytes, of Buffers and of views of a larger buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const view = Buffer.concat([Buffer.of(1, 2, 3), bytes, Buffer.of(4)]).subarray(3, -1)
        expect(hasher.canonical(bytes)).toBe(sha256(bytes))
        expect(hasher.canonical(view)).toBe(sha256(bytes))
      }),
    )
  })

  it.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 4096, 65_536])('hashes %i bytes', (length) => {
    const bytes = new Uint8Array(length).fill(0xa5)
    expect(hasher.canonical(bytes)).toBe(sha256(bytes))
  })

  it('links as sha256(prev_hash ‖ canonical hash), whatever was linked earlier', () => {
    fc.assert(
      fc.property(hashArbitrary, hashArbitrary, (prevHash, canonicalHash) => {
        expect(hasher.link(prevHash, canonicalHash)).toBe(sha256(bytesOf(prevHash), bytesOf(canonicalHash)))
      }),
    )
  })

  const broken = [
    '',
    'ab',
    'z'.repeat(64),
    '0'.repeat(63),
    '0'.repeat(66),
    '0'.repeat(128),
    `${'0'.repeat(63)}g`,
  ]
  it.each(broken)('throws for %j instead of hashing old bytes', (text) => {
    hasher.link('ab'.repeat(32), 'cd'.repeat(32))
    expect(() => hasher.link(text, ZERO_HASH)).toThrow()
    expect(() => hasher.link(ZERO_HASH, text)).toThrow()
  })
})

describe('stored hashes', () => {
  it.each([ZERO_HASH, 'ab'.repeat(32), '0123456789abcdef'.repeat(4)])('include %s', (text) => {
    expect(isHash(text)).toBe(true)
    expect(asHash(text)).toBe(text)
  })

  const none = [
    '',
    'AB'.repeat(32),
    '0'.repeat(63),
    '0'.repeat(65),
    `${'0'.repeat(64)}\n`,
    `0x${'0'.repeat(62)}`,
  ]
  it.each([...none, undefined])('do not include %j', (text) => {
    expect(isHash(text ?? '')).toBe(false)
    expect(asHash(text)).toBeUndefined()
  })
})

describe('pseudonym', () => {
  it.each(vectors.pseudonyms.map((v) => [v.subject_id, v] as const))(
    'reproduces the vector %s',
    (subjectId, vector) => {
      expect(pseudonym(bytesOf(vector.pepper_hex), subjectId)).toBe(vector.pseudonym)
    },
  )

  const pepper = new Uint8Array(32).fill(7)
  const uuid = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a0'

  it('is sha256(pepper ‖ subject_id)', () => {
    expect(pseudonym(pepper, 'system:audit')).toBe(sha256(pepper, Buffer.from('system:audit')))
  })

  it('puts a UUID in lower case first, and no other text', () => {
    expect(pseudonym(pepper, uuid.toUpperCase())).toBe(pseudonym(pepper, uuid))
    expect(pseudonym(pepper, 'Alice')).not.toBe(pseudonym(pepper, 'alice'))
    expect(pseudonym(pepper, ` ${uuid.toUpperCase()}`)).not.toBe(pseudonym(pepper, ` ${uuid}`))
  })

  it.each(['s', 's'.repeat(512), '🔑'.repeat(128), 'a\u0001'])(
    'takes a subject_id within its limits',
    (subjectId) => {
      expect(pseudonym(pepper, subjectId)).toBe(sha256(pepper, Buffer.from(subjectId)))
    },
  )

  it.each(['', 's'.repeat(513), `${'🔑'.repeat(128)}x`, '\ud800', 'a\0'])(
    'refuses a subject_id beyond its limits without showing it',
    (subjectId) => {
      const refused = new FormatError('subject_id', '')
      expect(() => pseudonym(pepper, subjectId)).toThrow(
        expect.objectContaining({ name: refused.name, field: refused.field }),
      )
    },
  )

  it.each([0, 16, 31, 33, 64])('refuses a pepper of %i bytes', (length) => {
    expect(() => pseudonym(new Uint8Array(length), 's')).toThrow(
      `expected a pepper of 32 bytes, got ${length}`,
    )
  })
})
