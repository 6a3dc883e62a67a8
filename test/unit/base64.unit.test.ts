import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Base64Reader, base64Length } from '../../src/bundle/base64.js'

const reader = new Base64Reader()
const read = (text: string) => {
  const characters = Buffer.from(`?${text}?`, 'latin1')
  const bytes = reader.read(characters, 1, characters.length - 1)
  return bytes && Buffer.from(bytes).toString('hex')
}

/** Decodes the same way, in one line and slower. */
function strictly(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes.toString('hex') : undefined
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

it('decodes base64 as Node encodes it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      const encoded = Buffer.from(bytes).toString('base64')
      expect(encoded).toHaveLength(base64Length(bytes.length))
      expect(read(encoded)).toBe(Buffer.from(bytes).toString('hex'))
    }),
  )
})

it('refuses every other spelling', () => {
  const character = fc.constantFrom(...BASE64, ...'=-_ \n.\u00e9', '=', '=')
  fc.assert(
    fc.property(fc.array(character, { maxLength: 12 }), (characters) => {
      const text = characters.join('')
      expect(read(text)).toBe(strictly(text))
    }),
    { numRuns: 20_000 },
  )
})

it.each(['A', 'AAAAA'])('refuses %s', (text) => expect(read(text)).toBeUndefined())

it('refuses more bytes than a row can have', () => {
  expect(read(Buffer.alloc(65_536, 7).toString('base64'))).toBe('07'.repeat(65_536))
  expect(read(Buffer.alloc(65_537, 7).toString('base64'))).toBeUndefined()
})
