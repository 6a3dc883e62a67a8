import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../../src/chain/format-error.js'
import {
  isChainId,
  isDomainId,
  isUuid,
  NIL_UUID,
  PLATFORM_ANCHOR,
  parseDomainId,
} from '../../src/chain/uuid.js'
import { uuidBytes, uuidText } from '../../src/chain/uuid-bytes.js'
import { vectors } from '../support/vectors.js'

const UUID = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'

describe('parseDomainId', () => {
  it('returns lower case', () => {
    expect(parseDomainId(UUID.toUpperCase())).toBe(UUID)
  })

  it.each([
    UUID,
    PLATFORM_ANCHOR,
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '00000000-0000-0000-0000-000000000001',
  ])('accepts %s', (text) => {
    expect(parseDomainId(text)).toBe(text)
  })

  const refused = [
    '',
    NIL_UUID,
    UUID.slice(1),
    `${UUID}0`,
    ` ${UUID}`,
    `${UUID}\n`,
    `{${UUID}}`,
    `urn:uuid:${UUID}`,
    UUID.replaceAll('-', ''),
    UUID.replace('0190a8b8-', '0190a8b8a'),
    UUID.replace('a1', 'g1'),
    UUID.replace('0', '０'),
    'undefined',
  ]
  it.each(refused)('refuses %j', (text) => {
    expect(() => parseDomainId(text)).toThrow(FormatError)
    expect(() => parseDomainId(text)).toThrow(expect.objectContaining({ field: 'domain_id' }))
  })
})

describe('isChainId and isDomainId', () => {
  it.each([
    [UUID, true, true],
    [PLATFORM_ANCHOR, true, false],
    [NIL_UUID, false, false],
    [UUID.toUpperCase(), false, false],
    [PLATFORM_ANCHOR.toUpperCase(), false, false],
    ['', false, false],
  ])('judge %j', (text, isChain, isDomain) => {
    expect([isChainId(text), isDomainId(text)]).toEqual([isChain, isDomain])
  })
})

describe('the platform anchor', () => {
  it('is the one of the vectors, and its first bytes spell "platform"', () => {
    expect(PLATFORM_ANCHOR).toBe(vectors.platform_anchor)
    expect(Buffer.from(uuidBytes(PLATFORM_ANCHOR)).toString('latin1')).toBe('platform\u0080\0\0\0\0\0\0\0')
  })
})

describe('uuidBytes and uuidText', () => {
  it('round-trip in network order', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const text = uuidText(bytes)
        expect(isUuid(text)).toBe(true)
        expect(text.replaceAll('-', '')).toBe(Buffer.from(bytes).toString('hex'))
        expect([...uuidBytes(text)]).toEqual([...bytes])
        expect([...uuidBytes(text.toUpperCase())]).toEqual([...bytes])
      }),
    )
  })
})
