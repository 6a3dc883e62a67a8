import { BUNDLE_LIMITS } from './bundle-format.js'

/**
 * Base64 as RFC 4648 spells it, and no other spelling of the same bytes: Node's decoder takes the alphabet of URLs too,
 * passes over what is in neither, and needs no padding. Without encoding it again, which costs more than all of this.
 */
export class Base64Reader {
  readonly #scratch = Buffer.allocUnsafe(BUNDLE_LIMITS.canonicalBytes + 3)

  /** The bytes, until the next call; undefined where it is not base64, is empty, or has more than a row can. */
  read(base64: string): Uint8Array | undefined {
    const length = lengthOf(base64)
    if (length < 1 || length > BUNDLE_LIMITS.canonicalBytes) return undefined
    // What it passes over leaves bytes that are missing.
    if (this.#scratch.write(base64, 'base64') !== length) return undefined
    return this.#isSpelled(base64, length) ? this.#scratch.subarray(0, length) : undefined
  }

  /** The last bytes have bits to spare, which must be 0. */
  #isSpelled(base64: string, length: number): boolean {
    if (base64.includes('-') || base64.includes('_')) return false
    const last = length - 1 - ((length - 1) % 3)
    return base64.endsWith(this.#scratch.toString('base64', last, length))
  }
}

/** Bytes that a text of its length and padding stands for; 0 where there is no such. */
function lengthOf(base64: string): number {
  if (base64.length % 4 !== 0) return 0
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0
  return (base64.length / 4) * 3 - padding
}
