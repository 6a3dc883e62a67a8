import { LIMITS } from './limits.js'

/**
 * What is wrong with some canonical bytes, or undefined if {@link encodeCanonical} could have made them. Byte by byte
 * and without decoding, because the verifier asks it of every row: 0.3 µs a row of 300 bytes, where decoding costs 5.
 */
export function canonicalProblem(bytes: Uint8Array): string | undefined {
  const scan = new Scan(bytes)
  return scan.prefix() ?? scan.body() ?? scan.suffix()
}

/** 2^53-1 as the two halves of a big-endian u64. */
const MAX_SEQ_HIGH = 0x1f_ffff

const MIN_RECORDED_HIGH = -14_467_071 // floor(0001-01-01 in microseconds / 2^32)
const MAX_RECORDED_HIGH = 58_999_820 // floor(9999-12-31T23:59:59.999999 in microseconds / 2^32)
const MIN_RECORDED_LOW = 0x00d4_4000
const MAX_RECORDED_LOW = 0xcc73_5fff

class Scan {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** magic, domain_id, seq, subject_pseudonym */
  prefix(): string | undefined {
    const b = this.#bytes
    if (b.length < 60) return 'shorter than the fixed fields'
    if (b[0] !== 0x50 || b[1] !== 0x58 || b[2] !== 0x41 || b[3] !== 0x31) return 'magic: expected PXA1'
    if (isZero(b, 4, 20)) return 'domain_id: the nil UUID is never a Domain'
    const high = i32(b, 20)
    if (high < 0 || high > MAX_SEQ_HIGH || isZero(b, 20, 28)) return 'seq: expected 1 to 2^53-1'
    this.#at = 60
    return undefined
  }

  /** relation to zedtoken */
  body(): string | undefined {
    return (
      this.#text('relation', 1, LIMITS.relationBytes) ??
      this.#object() ??
      this.#reason() ??
      this.#list('relation_path', LIMITS.pathItems, () =>
        this.#text('relation_path', 1, LIMITS.pathItemBytes),
      ) ??
      this.#caveats() ??
      this.#text('correlation_id', 0, LIMITS.correlationIdBytes) ??
      this.#text('zedtoken', 0, LIMITS.zedtokenBytes)
    )
  }

  /** recorded_at, and nothing behind it */
  suffix(): string | undefined {
    if (this.#bytes.length !== this.#at + 8) return 'recorded_at: expected 8 bytes at the end'
    const high = i32(this.#bytes, this.#at)
    const low = i32(this.#bytes, this.#at + 4) >>> 0
    const early = high < MIN_RECORDED_HIGH || (high === MIN_RECORDED_HIGH && low < MIN_RECORDED_LOW)
    const late = high > MAX_RECORDED_HIGH || (high === MAX_RECORDED_HIGH && low > MAX_RECORDED_LOW)
    return early || late ? 'recorded_at: outside the years 0001 to 9999' : undefined
  }

  #u32(): number {
    if (this.#at + 4 > this.#bytes.length) return -1
    this.#at += 4
    return i32(this.#bytes, this.#at - 4) >>> 0
  }

  #text(field: string, min: number, max: number): string | undefined {
    const length = this.#u32()
    if (length < min || length > max) return `${field}: expected ${min} to ${max} bytes, got ${length}`
    const end = this.#at + length
    if (end > this.#bytes.length) return `${field}: runs over the end`
    if (!isText(this.#bytes, this.#at, end)) return `${field}: not well-formed UTF-8 without U+0000`
    this.#at = end
    return undefined
  }

  #object(): string | undefined {
    const start = this.#at + 4
    const problem = this.#text('object', 3, 65 + LIMITS.objectIdBytes)
    if (problem !== undefined) return problem
    const colon = this.#bytes.indexOf(0x3a, start)
    const idBytes = this.#at - colon - 1
    const idFits = idBytes >= 1 && idBytes <= LIMITS.objectIdBytes
    return colon >= 0 && colon < this.#at && idFits && isObjectType(this.#bytes, start, colon)
      ? undefined
      : 'object: expected type:id'
  }

  #reason(): string | undefined {
    const ordinal = this.#bytes[this.#at] ?? 0
    this.#at += 1
    return ordinal >= 1 && ordinal <= 4 ? undefined : `reason: expected 1 to 4, got ${ordinal}`
  }

  #list(field: string, max: number, item: () => string | undefined): string | undefined {
    const count = this.#u32()
    if (count < 0 || count > max) return `${field}: expected at most ${max} items, got ${count}`
    for (let i = 0; i < count; i += 1) {
      const problem = item()
      if (problem !== undefined) return problem
    }
    return undefined
  }

  #caveats(): string | undefined {
    let before = -1
    return this.#list('caveat_context', LIMITS.caveatNames, () => {
      const start = this.#at
      const problem = this.#text('caveat_context', 1, 127)
      if (problem !== undefined) return problem
      if (!isCaveat(this.#bytes, start + 4, this.#at)) return 'caveat_context: expected names only'
      if (before >= 0 && compareItems(this.#bytes, before, start) >= 0) return 'caveat_context: not sorted'
      before = start
      return undefined
    })
  }
}

function i32(b: Uint8Array, at: number): number {
  return ((b[at] ?? 0) << 24) | ((b[at + 1] ?? 0) << 16) | ((b[at + 2] ?? 0) << 8) | (b[at + 3] ?? 0)
}

function isZero(b: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i += 1) if (b[i] !== 0) return false
  return true
}

/** Well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF) without U+0000. */
function isText(b: Uint8Array, from: number, to: number): boolean {
  let i = from
  while (i < to) {
    const byte = b[i] ?? 0
    if (byte < 0x80) {
      if (byte === 0) return false
      i += 1
      continue
    }
    const length = sequenceLength(b, i, to)
    if (length === 0) return false
    i += length
  }
  return true
}

/** Length of the well-formed multi-byte sequence at `i`, 0 if there is none (Unicode 15, table 3-7). */
function sequenceLength(b: Uint8Array, i: number, to: number): number {
  const lead = b[i] ?? 0
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2
  if (lead < 0xc2 || lead > 0xf4 || i + length > to) return 0
  const [low, high] = secondByteRange(lead)
  const second = b[i + 1] ?? 0
  if (second < low || second > high) return 0
  for (let k = 2; k < length; k += 1) if (((b[i + k] ?? 0) & 0xc0) !== 0x80) return 0
  return length
}

function secondByteRange(lead: number): readonly [number, number] {
  if (lead === 0xe0) return [0xa0, 0xbf]
  if (lead === 0xed) return [0x80, 0x9f]
  if (lead === 0xf0) return [0x90, 0xbf]
  if (lead === 0xf4) return [0x80, 0x8f]
  return [0x80, 0xbf]
}

function isLower(c: number): boolean {
  return c >= 0x61 && c <= 0x7a
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39
}

/** `[a-z][a-z0-9_/-]{0,63}` */
function isObjectType(b: Uint8Array, from: number, to: number): boolean {
  if (to - from < 1 || to - from > 64 || !isLower(b[from] ?? 0)) return false
  for (let i = from + 1; i < to; i += 1) {
    const c = b[i] ?? 0
    if (!isLower(c) && !isDigit(c) && c !== 0x5f && c !== 0x2f && c !== 0x2d) return false
  }
  return true
}

/** `name` or `name.parameter` */
function isCaveat(b: Uint8Array, from: number, to: number): boolean {
  const dot = b.indexOf(0x2e, from)
  if (dot < 0 || dot >= to) return isIdentifier(b, from, to)
  return isIdentifier(b, from, dot) && isIdentifier(b, dot + 1, to)
}

/** `[A-Za-z_][A-Za-z0-9_]{0,62}` */
function isIdentifier(b: Uint8Array, from: number, to: number): boolean {
  if (to - from < 1 || to - from > 63 || isDigit(b[from] ?? 0)) return false
  for (let i = from; i < to; i += 1) {
    const c = b[i] ?? 0
    if (!isLower(c | 0x20) && !isDigit(c) && c !== 0x5f) return false
  }
  return true
}

/** Order of two length-prefixed items by their bytes. */
function compareItems(b: Uint8Array, left: number, right: number): number {
  const leftLength = i32(b, left)
  const rightLength = i32(b, right)
  for (let i = 0; i < Math.min(leftLength, rightLength); i += 1) {
    const difference = (b[left + 4 + i] ?? 0) - (b[right + 4 + i] ?? 0)
    if (difference !== 0) return difference
  }
  return leftLength - rightLength
}
