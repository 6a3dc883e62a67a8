import fc from 'fast-check'
import { type Entry, sortCaveats } from '../../src/chain/entry.js'
import { REASONS } from '../../src/chain/reason.js'
import { MAX_MICROS, MIN_MICROS } from '../../src/chain/timestamp.js'
import { NIL_UUID } from '../../src/chain/uuid.js'

/** Any text of `min` to `max` bytes, from every plane of Unicode, with BOM and control characters but without U+0000. */
export function textArbitrary(min: number, max: number): fc.Arbitrary<string> {
  const unit = fc.oneof(
    fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom('\ufeff', '\u001b', '\u202e', '\n', '"', '\u{10ffff}', '\u0800', '\ue000'),
  )
  const fits = (text: string) => {
    const { length } = new TextEncoder().encode(text)
    return !text.includes('\0') && length >= min && length <= max
  }
  return fc.string({ unit, minLength: min, maxLength: Math.min(max, 24) }).filter(fits)
}

const identifier = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/)
const caveat = fc.oneof(
  identifier,
  fc.tuple(identifier, identifier).map((parts) => parts.join('.')),
)
const objectType = fc.stringMatching(/^[a-z][a-z0-9_/-]{0,8}$/)

/** Any 32 bytes as 64 lower-case hex digits. */
export const hashArbitrary = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))

export const domainIdArbitrary = fc
  .uuid()
  .map((uuid) => uuid.toLowerCase())
  .filter((uuid) => uuid !== NIL_UUID)

/** Any entry that the format can hold. */
export const entryArbitrary: fc.Arbitrary<Entry> = fc.record({
  domainId: domainIdArbitrary,
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  subjectPseudonym: hashArbitrary,
  relation: textArbitrary(1, 128),
  object: fc.tuple(objectType, textArbitrary(1, 512)).map((parts) => parts.join(':')),
  reason: fc.constantFrom(...REASONS),
  relationPath: fc.array(textArbitrary(1, 512), { maxLength: 5 }),
  caveatContext: fc.array(caveat, { maxLength: 5 }).map(sortCaveats),
  correlationId: textArbitrary(0, 256),
  zedtoken: textArbitrary(0, 1024),
  recordedAt: fc.bigInt({ min: MIN_MICROS, max: MAX_MICROS }),
})
