import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { utf8 } from '../limits.js'
import { uuidBytes } from '../uuid-bytes.js'
import { MAX_INCARNATION } from './origin.js'

const SEED_BYTES = 32
const INFO = utf8('audit/log-key/v1')

/** Returns the seed of a chain, its Ed25519 private key of 32 bytes, from the 32 bytes of the key file of the log. */
export function seedOf(keyFile: Uint8Array, domainId: string, incarnation: number): Uint8Array {
  if (keyFile.length !== SEED_BYTES)
    throw new RangeError(`expected a key file of 32 bytes, got ${keyFile.length}`)
  if (incarnation < 1 || incarnation > MAX_INCARNATION)
    throw new RangeError(`expected an incarnation from 1 to ${MAX_INCARNATION}, got ${incarnation}`)
  const number = new Uint8Array(4)
  new DataView(number.buffer).setUint32(0, incarnation)
  const info = concatBytes(INFO, uuidBytes(domainId), number)
  return hkdf(sha256, keyFile, new Uint8Array(), info, SEED_BYTES)
}

/** Returns the name of a log in an embedded home without a name of its own: it follows from the public key of its platform chain. */
export function defaultLogName(platformKey: Uint8Array): string {
  return `audit.invalid/${bytesToHex(sha256(platformKey)).slice(0, 16)}`
}
