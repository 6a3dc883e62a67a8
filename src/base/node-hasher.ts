import { hash } from 'node:crypto'
import { type Hasher, PEPPER_BYTES, pseudonymText } from '../chain/hash.js'
import { HASH_BYTES, HASH_DIGITS } from '../chain/layout.js'
import { LIMITS } from '../chain/limits.js'

/** Holds prev_hash and the canonical hash. Every link overwrites it, because a new Buffer would cost 0.2 µs. */
const scratch = Buffer.alloc(2 * HASH_BYTES)

/**
 * The hashes of the format by OpenSSL, six times as fast as the portable hasher: both hashes of a row of 230 bytes take
 * 1.15 µs. crypto.hash returns hex itself, because converting a Buffer would cost 0.6 µs more.
 */
export const nodeHasher: Hasher = {
  canonical: (bytes) => hash('sha256', bytes, 'hex'),
  entry: (prevHash, bytes) => {
    // The inner hash is not needed as hex. Written as 'binary', it reaches the scratch buffer a third faster.
    scratch.write(hash('sha256', bytes, 'binary'), HASH_BYTES, HASH_BYTES, 'latin1')
    if (prevHash.length !== HASH_DIGITS || scratch.write(prevHash, 0, HASH_BYTES, 'hex') !== HASH_BYTES) {
      throw new RangeError('expected a hash of 64 hex digits')
    }
    return hash('sha256', scratch, 'hex')
  },
  entryAt: (prevHash, at, bytes) => {
    const canonicalHash = hash('sha256', bytes, 'binary')
    // Copied in a loop: one call of Buffer.copy or write costs as much as both loops.
    for (let i = 0; i < HASH_BYTES; i += 1) {
      scratch[i] = prevHash[at + i] ?? 0
      scratch[HASH_BYTES + i] = canonicalHash.charCodeAt(i)
    }
    return hash('sha256', scratch, 'binary')
  },
  link: (prevHash, canonicalHash) => {
    // A shorter write would leave bytes of the previous row in place and hash them.
    const isFull = prevHash.length === HASH_DIGITS && canonicalHash.length === HASH_DIGITS
    // One write of both hashes is faster than two writes: 0.63 µs against 0.69, hashing included.
    if (!isFull || scratch.write(prevHash + canonicalHash, 'hex') !== scratch.length) {
      throw new RangeError('expected two hashes of 64 hex digits')
    }
    return hash('sha256', scratch, 'hex')
  },
}

/** Holds a pepper and a subject_id while they are hashed. */
const secret = Buffer.alloc(PEPPER_BYTES + LIMITS.subjectIdBytes)

/** Returns the pseudonym of chain/hash.ts, computed by OpenSSL in 1 µs instead of 4. Called for every appended row. */
export function nodePseudonym(pepper: Uint8Array, subjectId: string): string {
  const text = pseudonymText(pepper, subjectId)
  secret.set(pepper)
  const length = PEPPER_BYTES + secret.write(text, PEPPER_BYTES)
  const digest = hash('sha256', secret.subarray(0, length), 'hex')
  // The pepper lives no longer than its owner keeps it.
  secret.fill(0, 0, length)
  return digest
}
