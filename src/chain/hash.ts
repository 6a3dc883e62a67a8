import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { FormatError } from './format-error.js'
import { HASH_BYTES, HASH_DIGITS } from './layout.js'
import { LIMITS, textProblem, utf8 } from './limits.js'
import { isUuid } from './uuid.js'

/** prev_hash of a genesis row. */
export const ZERO_HASH = '0'.repeat(HASH_DIGITS)

export const PEPPER_BYTES = 32

const HASH = /^[0-9a-f]{64}$/

export function isHash(text: string): boolean {
  return HASH.test(text)
}

/** Returns a stored hash if it is well-formed, otherwise undefined: hostile text must reach neither a hasher nor a finding. */
export function asHash(text: string | undefined): string | undefined {
  return text !== undefined && isHash(text) ? text : undefined
}

/** The two hashes of the format (FORMAT.md, "Hashes"), as 64 lower-case hex digits. */
export interface Hasher {
  /** Returns sha256(canonical_bytes). */
  canonical(bytes: Uint8Array): string
  /** Returns sha256(prev_hash ‖ canonicalHash), the entry_hash. Throws RangeError unless both are 64 hex digits. */
  link(prevHash: string, canonicalHash: string): string
  /** Returns link(prevHash, canonical(bytes)). */
  entry(prevHash: string, bytes: Uint8Array): string
  /** Returns the same for a prev_hash of 32 bytes at `at`, as 32 characters of one byte each. Called for every row. */
  entryAt(prevHash: Uint8Array, at: number, bytes: Uint8Array): string
}

/** The portable hasher, six times slower than the hasher by node:crypto. Tests compare the two. */
export const nobleHasher: Hasher = {
  canonical: (bytes) => bytesToHex(sha256(bytes)),
  link: (prevHash, canonicalHash) => {
    if (!isHash(prevHash) || !isHash(canonicalHash))
      throw new RangeError('expected two hashes of 64 hex digits')
    return bytesToHex(sha256(hexToBytes(prevHash + canonicalHash)))
  },
  entry: (prevHash, bytes) => nobleHasher.link(prevHash, nobleHasher.canonical(bytes)),
  entryAt: (prevHash, at, bytes) =>
    String.fromCharCode(...sha256(concatBytes(prevHash.subarray(at, at + HASH_BYTES), sha256(bytes)))),
}

/** Converts 64 hex digits to 32 characters of one byte each. */
export function hashBytes(text: string): string {
  return String.fromCharCode(...hexToBytes(text))
}

/** Converts 32 characters of one byte each to 64 hex digits. */
export function hashText(bytes: string): string {
  return bytesToHex(Uint8Array.from(bytes, (character) => character.charCodeAt(0)))
}

/**
 * Returns sha256( pepper ‖ subject_id ). A subject_id that is a UUID is put in lower case first (FORMAT.md, "Hashes").
 * Throws FormatError for a subject_id outside its limits, RangeError for a pepper that is not 32 bytes.
 */
export function pseudonym(pepper: Uint8Array, subjectId: string): string {
  return bytesToHex(sha256(concatBytes(pepper, utf8(pseudonymText(pepper, subjectId)))))
}

/** Returns the text that is hashed after the pepper. Throws as {@link pseudonym} does. */
export function pseudonymText(pepper: Uint8Array, subjectId: string): string {
  if (pepper.length !== PEPPER_BYTES) {
    throw new RangeError(`expected a pepper of ${PEPPER_BYTES} bytes, got ${pepper.length}`)
  }
  const problem = textProblem(subjectId, 1, LIMITS.subjectIdBytes)
  if (problem !== undefined) throw new FormatError('subject_id', problem)
  return isUuid(subjectId) ? subjectId.toLowerCase() : subjectId
}
