import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { uuidText } from '../../src/chain/uuid-bytes.js'
import { decodeCursor, encodeCursor } from '../../src/query/cursor.js'

interface Vector {
  readonly key_hex: string
  readonly domain_id: string
  readonly seq: number
  readonly cursor: string
}

const file = new URL('../vectors/pxa1.json', import.meta.url)
const vectors: readonly Vector[] = JSON.parse(readFileSync(file, 'utf8')).cursors
const KEY = new Uint8Array(32).fill(3)
const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const GOOD = encodeCursor(KEY, DOMAIN, 50)

const refusal = {
  name: 'AuditError',
  code: 'invalid_cursor',
  message: 'the cursor is not a cursor of this chain, or was altered',
}

function caught(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}

/** Returns a cursor with a valid MAC over any 25 bytes. */
function signed(bytes: Uint8Array): string {
  const mac = createHmac('sha256', KEY).update(bytes).digest().subarray(0, 16)
  return Buffer.concat([bytes, mac]).toString('base64url')
}

function fieldsOf(seq: bigint, version: number): Buffer {
  const bytes = Buffer.alloc(25)
  Buffer.from(DOMAIN.replaceAll('-', ''), 'hex').copy(bytes)
  bytes.writeBigUInt64BE(seq, 16)
  bytes[24] = version
  return bytes
}

describe('a cursor', () => {
  it.each(vectors)('matches the vector of $domain_id, $seq', ({ key_hex, domain_id, seq, cursor }) => {
    const key = Buffer.from(key_hex, 'hex')
    expect(encodeCursor(key, domain_id, seq)).toBe(cursor)
    expect(decodeCursor(key, domain_id, cursor)).toBe(seq)
  })

  it('has vectors', () => {
    expect(vectors.length).toBeGreaterThan(3)
  })

  it('decodes to its seq, for any chain, seq and key', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    fc.assert(
      fc.property(bytes(32), bytes(16), fc.maxSafeNat(), (key, id, before) => {
        const seq = Math.max(1, before)
        const cursor = encodeCursor(key, uuidText(id), seq)
        expect(cursor).toMatch(/^[A-Za-z0-9_-]{55}$/)
        expect(decodeCursor(key, uuidText(id).toUpperCase(), cursor)).toBe(seq)
      }),
    )
  })

  it('is refused when any single bit is flipped', () => {
    const bytes = Buffer.from(GOOD, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(caught(() => decodeCursor(KEY, DOMAIN, flipped.toString('base64url')))).toMatchObject(refusal)
    }
  })

  const spare = `${GOOD.slice(0, -1)}${nextCharacter(GOOD.at(-1) ?? '')}`
  it.each<[string, string, string?, Uint8Array?]>([
    ['empty', ''],
    ['cut', GOOD.slice(0, -1)],
    ['longer', `${GOOD}A`],
    ['padded', `${GOOD}=`],
    ['with a newline', `${GOOD}\n`],
    ['with a space in it', `${GOOD.slice(0, 10)} ${GOOD.slice(10)}`],
    ['in plain base64', Buffer.alloc(41, 0xff).toString('base64')],
    ['another text of the same bytes', spare],
    ['hex', Buffer.from(GOOD, 'base64url').toString('hex')],
    ['of another chain', GOOD, PLATFORM_ANCHOR],
    ['of another key', GOOD, DOMAIN, new Uint8Array(32)],
    ['of version 0', signed(fieldsOf(50n, 0))],
    ['of version 2', signed(fieldsOf(50n, 2))],
    ['of seq 0', signed(fieldsOf(0n, 1))],
    ['of seq 2^53', signed(fieldsOf(2n ** 53n, 1))],
    ['of seq 2^64-1', signed(fieldsOf(2n ** 64n - 1n, 1))],
  ])('is refused: %s', (_name, cursor, domainId = DOMAIN, key = KEY) => {
    expect(caught(() => decodeCursor(key, domainId, cursor))).toMatchObject(refusal)
  })

  it('is accepted when none of these faults is present', () => {
    expect(signed(fieldsOf(50n, 1))).toBe(GOOD)
    expect(Buffer.from(spare, 'base64url')).toEqual(Buffer.from(GOOD, 'base64url'))
  })

  it('cannot be made for an invalid seq or with a key of another length', () => {
    for (const seq of [0, -1, 1.5, 2 ** 53, Number.NaN]) {
      expect(() => encodeCursor(KEY, DOMAIN, seq)).toThrowError(RangeError)
    }
    expect(() => encodeCursor(new Uint8Array(31), DOMAIN, 1)).toThrowError(RangeError)
  })
})

/** Returns the next character of the alphabet. 41 bytes leave two spare bits in the last character, which only differ then. */
function nextCharacter(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(character) + 1] ?? ''
}
