import { bytesToHex } from '@noble/hashes/utils.js'

const KEY_BYTES = 32
/** The bit of the last byte that is the sign of x. */
const SIGN = 0x80

/**
 * The y of the points of small order, with the spellings that are not reduced. Under such a key one signature is valid for every
 * text.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
])

/** Returns whether bytes may be an Ed25519 public key (RFC 8032): 32 bytes, and no point of small order. */
export function isEd25519Key(bytes: Uint8Array): boolean {
  if (bytes.length !== KEY_BYTES) return false
  const y = Uint8Array.from(bytes)
  y[KEY_BYTES - 1] = (y[KEY_BYTES - 1] ?? 0) & ~SIGN
  return !SMALL_ORDER.has(bytesToHex(y))
}
