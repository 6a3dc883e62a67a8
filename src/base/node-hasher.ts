import { hash } from 'node:crypto'
import { type Hasher, pseudonymInput } from '../chain/hash.js'
import { HASH_BYTES, HASH_DIGITS } from '../chain/layout.js'

/** prev_hash and the canonical hash; overwritten by every link, for a Buffer each would cost 0.2 µs. */
const scratch = Buffer.alloc(2 * HASH_BYTES)

/**
 * The hashes of format.md by OpenSSL, six times as fast as the portable ones: 1.15 µs a row of 230 bytes, both
 * hashes together. Hex is asked of crypto.hash itself, for a Buffer costs it 0.6 µs more.
 */
export const nodeHasher: Hasher = {
  canonical: (bytes) => hash('sha256', bytes, 'hex'),
  entry: (prevHash, bytes) => {
    // The inner hash is never seen as hex: as 'binary' it goes into the scratch a third faster.
    scratch.write(hash('sha256', bytes, 'binary'), HASH_BYTES, HASH_BYTES, 'latin1')
    if (prevHash.length !== HASH_DIGITS || scratch.write(prevHash, 0, HASH_BYTES, 'hex') !== HASH_BYTES) {
      throw new RangeError('expected a hash of 64 hex digits')
    }
    return hash('sha256', scratch, 'hex')
  },
  entryAt: (prevHash, at, bytes) => {
    const canonicalHash = hash('sha256', bytes, 'binary')
    // By hand: each call of Buffer.copy or write costs as much as both loops.
    for (let i = 0; i < HASH_BYTES; i += 1) {
      scratch[i] = prevHash[at + i] ?? 0
      scratch[HASH_BYTES + i] = canonicalHash.charCodeAt(i)
    }
    return hash('sha256', scratch, 'binary')
  },
  link: (prevHash, canonicalHash) => {
    // A shorter write would leave bytes of the row before in place, and hash those.
    const isFull = prevHash.length === HASH_DIGITS && canonicalHash.length === HASH_DIGITS
    // One write of both is faster than a write of each: 0.63 against 0.69 µs with the hash.
    if (!isFull || scratch.write(prevHash + canonicalHash, 'hex') !== scratch.length) {
      throw new RangeError('expected two hashes of 64 hex digits')
    }
    return hash('sha256', scratch, 'hex')
  },
}

/** {@link pseudonym} of chain/hash.ts by OpenSSL: 1 instead of 4 µs, on every row that is appended. */
export function nodePseudonym(pepper: Uint8Array, subjectId: string): string {
  return hash('sha256', pseudonymInput(pepper, subjectId), 'hex')
}
