import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { utf8 } from './limits.js'
import { isUuid } from './uuid.js'

/** prev_hash of a genesis row. */
export const ZERO_HASH = '0'.repeat(64)

const HASH = /^[0-9a-f]{64}$/

export function isHash(text: string): boolean {
  return HASH.test(text)
}

/** The two hashes of format.md. Both give 64 lower-case hex digits. */
export interface Hasher {
  /** sha256(canonical_bytes) */
  canonical(bytes: Uint8Array): string
  /** sha256(prev_hash ‖ canonicalHash), the entry_hash */
  link(prevHash: string, canonicalHash: string): string
}

/** Portable and dependency-audited; about ten times slower than the node:crypto hasher, which tests compare with it. */
export const nobleHasher: Hasher = {
  canonical: (bytes) => bytesToHex(sha256(bytes)),
  link: (prevHash, canonicalHash) => bytesToHex(sha256(hexToBytes(prevHash + canonicalHash))),
}

/** sha256( pepper ‖ subject_id ), where a subject_id that is a UUID is written in lower case first (format.md, "Pseudonym"). */
export function pseudonym(pepper: Uint8Array, subjectId: string): string {
  if (pepper.length !== 32) throw new RangeError(`expected a pepper of 32 bytes, got ${pepper.length}`)
  const text = isUuid(subjectId) ? subjectId.toLowerCase() : subjectId
  return bytesToHex(sha256(concatBytes(pepper, utf8(text))))
}
