import { int32 } from './big-endian.js'
import { isCaveat, isObjectType, isText } from './byte-text.js'
import { DOMAIN_ID_AT, LENGTH_BYTES, MAGIC_WORD, RECORDED_AT_BYTES, RELATION_AT, SEQ_AT } from './layout.js'
import { LIMITS } from './limits.js'
import { REASONS } from './reason.js'

const CAVEAT_BYTES = 63 + 1 + 63
const OBJECT_BYTES = 64 + 1 + LIMITS.objectIdBytes

/** The high half of 2^53-1 as a big-endian u64. */
const MAX_SEQ_HIGH = 0x1f_ffff

/** 0001-01-01T00:00:00.000000Z and 9999-12-31T23:59:59.999999Z in microseconds, as the halves of a big-endian i64. */
const MIN_RECORDED_HIGH = -14_467_071
const MIN_RECORDED_LOW = 0x00d4_4000
const MAX_RECORDED_HIGH = 58_999_820
const MAX_RECORDED_LOW = 0xcc73_5fff

/**
 * Returns what is wrong with canonical bytes, or undefined if the encoder could have made them. Never throws. The
 * verifier calls this for every row, so the scan goes byte by byte and builds no string unless it finds a problem: it
 * takes 0.3 µs for a row of 230 bytes, decoding takes 2.4 µs.
 */
export function canonicalProblem(bytes: Uint8Array): string | undefined {
  return new Scan(bytes).problem()
}

class Scan {
  readonly #bytes: Uint8Array
  #at = RELATION_AT

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  problem(): string | undefined {
    return (
      this.#prefix() ??
      this.#text('relation', 1, LIMITS.relationBytes) ??
      this.#object() ??
      this.#reason() ??
      this.#relationPath() ??
      this.#caveatContext() ??
      this.#text('correlation_id', 0, LIMITS.correlationIdBytes) ??
      this.#text('zedtoken', 0, LIMITS.zedtokenBytes) ??
      this.#recordedAt()
    )
  }

  #prefix(): string | undefined {
    const bytes = this.#bytes
    if (bytes.length < RELATION_AT) return 'shorter than the fixed fields'
    if (int32(bytes, 0) !== MAGIC_WORD) return 'magic: expected PXA1'
    if (isNil(bytes)) return 'domain_id: the nil UUID is never a Domain'
    const high = int32(bytes, SEQ_AT)
    const isSeq = high >= 0 && high <= MAX_SEQ_HIGH && (high | int32(bytes, SEQ_AT + 4)) !== 0
    return isSeq ? undefined : 'seq: expected 1 to 2^53-1'
  }

  #text(field: string, min: number, max: number): string | undefined {
    const length = this.#length()
    if (length < 0) return `${field}: runs over the end`
    if (length < min || length > max) return `${field}: expected ${min} to ${max} bytes, got ${length}`
    const end = this.#at + length
    if (end > this.#bytes.length) return `${field}: runs over the end`
    if (!isText(this.#bytes, this.#at, end)) return `${field}: not well-formed UTF-8 without U+0000`
    this.#at = end
    return undefined
  }

  #object(): string | undefined {
    const from = this.#at + LENGTH_BYTES
    const problem = this.#text('object', 3, OBJECT_BYTES)
    if (problem !== undefined) return problem
    const colon = this.#bytes.indexOf(0x3a, from)
    const idBytes = this.#at - colon - 1
    const isId = colon >= 0 && idBytes >= 1 && idBytes <= LIMITS.objectIdBytes
    return isId && isObjectType(this.#bytes, from, colon) ? undefined : 'object: expected type:id'
  }

  #reason(): string | undefined {
    const ordinal = this.#bytes[this.#at] ?? 0
    this.#at += 1
    return ordinal >= 1 && ordinal <= REASONS.length ? undefined : `reason: expected 1 to 4, got ${ordinal}`
  }

  #relationPath(): string | undefined {
    const count = this.#length()
    const problem = countProblem('relation_path', LIMITS.pathItems, count)
    if (problem !== undefined) return problem
    for (let i = 0; i < count; i += 1) {
      const problem = this.#text('relation_path', 1, LIMITS.pathItemBytes)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  #caveatContext(): string | undefined {
    const count = this.#length()
    const problem = countProblem('caveat_context', LIMITS.caveatNames, count)
    if (problem !== undefined) return problem
    let before = -1
    for (let i = 0; i < count; i += 1) {
      const item = this.#at
      const problem = this.#caveat(before)
      if (problem !== undefined) return problem
      before = item
    }
    return undefined
  }

  /** `before` is the offset of the item before this one, -1 for the first item. */
  #caveat(before: number): string | undefined {
    const item = this.#at
    const problem = this.#text('caveat_context', 1, CAVEAT_BYTES)
    if (problem !== undefined) return problem
    if (!isCaveat(this.#bytes, item + LENGTH_BYTES, this.#at)) return 'caveat_context: expected names only'
    const isSorted = before < 0 || compareItems(this.#bytes, before, item) < 0
    return isSorted ? undefined : 'caveat_context: expected names sorted by their bytes, without duplicates'
  }

  /** Checks the last field, which must end where the bytes end. */
  #recordedAt(): string | undefined {
    if (this.#bytes.length !== this.#at + RECORDED_AT_BYTES) return 'recorded_at: expected 8 bytes at the end'
    const high = int32(this.#bytes, this.#at)
    const low = int32(this.#bytes, this.#at + 4) >>> 0
    const isEarly = high < MIN_RECORDED_HIGH || (high === MIN_RECORDED_HIGH && low < MIN_RECORDED_LOW)
    const isLate = high > MAX_RECORDED_HIGH || (high === MAX_RECORDED_HIGH && low > MAX_RECORDED_LOW)
    return isEarly || isLate ? 'recorded_at: outside the years 0001 to 9999' : undefined
  }

  /** Reads a length or a count. Returns -1 if the bytes end before it does. */
  #length(): number {
    const at = this.#at
    if (at + LENGTH_BYTES > this.#bytes.length) return -1
    this.#at = at + LENGTH_BYTES
    return int32(this.#bytes, at) >>> 0
  }
}

function isNil(bytes: Uint8Array): boolean {
  const high = int32(bytes, DOMAIN_ID_AT) | int32(bytes, DOMAIN_ID_AT + 4)
  return (high | int32(bytes, DOMAIN_ID_AT + 8) | int32(bytes, DOMAIN_ID_AT + 12)) === 0
}

function countProblem(field: string, max: number, count: number): string | undefined {
  if (count < 0) return `${field}: runs over the end`
  return count > max ? `${field}: expected at most ${max} items, got ${count}` : undefined
}

/** Compares two length-prefixed items by their bytes. */
function compareItems(bytes: Uint8Array, left: number, right: number): number {
  const leftLength = int32(bytes, left)
  const rightLength = int32(bytes, right)
  for (let i = LENGTH_BYTES; i < LENGTH_BYTES + Math.min(leftLength, rightLength); i += 1) {
    const difference = (bytes[left + i] ?? 0) - (bytes[right + i] ?? 0)
    if (difference !== 0) return difference
  }
  return leftLength - rightLength
}
