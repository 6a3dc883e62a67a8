import { BUNDLE_LIMITS } from './bundle-format.js'

const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const PAD = 0x3d

/** The value of each character; 64 for a character outside the alphabet. */
const VALUES = new Uint8Array(256).fill(64)
for (const [value, character] of ALPHABET.entries()) VALUES[character] = value

/**
 * Decodes base64 as RFC 4648 spells it, and no other spelling of the same bytes. Node's decoder also accepts the URL
 * alphabet, skips other characters, and needs no padding.
 */
export class Base64Reader {
  readonly #scratch = Buffer.allocUnsafe(BUNDLE_LIMITS.canonicalBytes + 3)
  readonly #views: Uint8Array[] = []

  /** Returns the bytes, valid until the next call. Undefined where the text is not base64, is empty, or exceeds a row. */
  read(text: Uint8Array, from: number, to: number): Uint8Array | undefined {
    const padding = text[to - 1] !== PAD ? 0 : text[to - 2] === PAD ? 2 : 1
    const length = ((to - from) / 4) * 3 - padding
    if ((to - from) % 4 !== 0 || length < 1 || length > BUNDLE_LIMITS.canonicalBytes) return undefined
    if (!this.#decode(text, from, to - (padding > 0 ? 4 : 0))) return undefined
    if (padding > 0 && !this.#decodeLast(text, to - 4, padding, length)) return undefined
    // Creating a view takes a tenth of the time of a row, and most rows have one of a few lengths.
    this.#views[length] ??= this.#scratch.subarray(0, length)
    return this.#views[length]
  }

  #decode(text: Uint8Array, from: number, to: number): boolean {
    const scratch = this.#scratch
    let wrong = 0
    for (let at = from, size = 0; at < to; at += 4, size += 3) {
      const a = VALUES[text[at] as number] as number
      const b = VALUES[text[at + 1] as number] as number
      const c = VALUES[text[at + 2] as number] as number
      const d = VALUES[text[at + 3] as number] as number
      wrong |= a | b | c | d
      scratch[size] = (a << 2) | (b >> 4)
      scratch[size + 1] = (b << 4) | (c >> 2)
      scratch[size + 2] = (c << 6) | d
    }
    return wrong < 64
  }

  /** Decodes the last group, whose unused bits must be 0. */
  #decodeLast(text: Uint8Array, at: number, padding: number, length: number): boolean {
    const [a, b] = [VALUES[text[at] ?? 0] as number, VALUES[text[at + 1] ?? 0] as number]
    const c = padding === 1 ? (VALUES[text[at + 2] ?? 0] as number) : 0
    const spare = padding === 1 ? c & 3 : b & 15
    const start = length - (3 - padding)
    this.#scratch[start] = (a << 2) | (b >> 4)
    if (padding === 1) this.#scratch[start + 1] = (b << 4) | (c >> 2)
    return (a | b | c) < 64 && spare === 0
  }
}

/** Returns the number of base64 characters of `length` bytes, with padding. */
export function base64Length(length: number): number {
  return Math.ceil(length / 3) * 4
}
