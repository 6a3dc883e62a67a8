import { utf8 } from '../limits.js'
import type { Note, SignatureLine } from './note.js'
import { isCheckedType, KEY_TYPE, type VerifierKey } from './vkey.js'

/** Returns whether an Ed25519 signature (RFC 8032) of 64 bytes by a public key of 32 bytes is valid. */
export type VerifySignature = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

/** A valid cosignature of a known witness. */
export interface Cosignature {
  readonly key: VerifierKey
  /** When the witness signed, in seconds since 1970, by its own clock. */
  readonly time: bigint
}

/** Who signed a note. */
export interface Signers {
  /** The known keys with a valid signature line. */
  readonly known: ReadonlySet<VerifierKey>
  /** The lines of known witnesses. A witness may have several. */
  readonly cosignatures: readonly Cosignature[]
  /** The key ids of the other lines, which prove nothing. */
  readonly unknown: readonly string[]
}

const SIGNATURE_BYTES = 64
const TIME_BYTES = 8
/** The latest time of a cosignature, in seconds since 1970. */
const MAX_TIME = 2n ** 63n - 1n

/**
 * Checks the signature lines of a note by keys that differ in name or id. Undefined where a line with the name and id of a known
 * key does not verify: then the whole note is malformed.
 */
export function signersOf(
  note: Note,
  keys: readonly VerifierKey[],
  verify: VerifySignature,
): Signers | undefined {
  const known = new Set<VerifierKey>()
  const cosignatures: Cosignature[] = []
  const unknown: string[] = []
  for (const line of note.lines) {
    const key = keys.find(({ name, id }) => name === line.name && id === line.keyId)
    if (key === undefined || !isCheckedType(key.type)) unknown.push(line.keyId)
    else {
      const time = key.type === KEY_TYPE.cosignature ? cosignedAt(note.body, line, key, verify) : undefined
      if (time !== undefined) cosignatures.push({ key, time })
      else if (key.type === KEY_TYPE.cosignature || !isSigned(note.body, line, key, verify)) return undefined
      known.add(key)
    }
  }
  return { known, cosignatures, unknown }
}

function isSigned(body: string, line: SignatureLine, key: VerifierKey, verify: VerifySignature): boolean {
  return verifyExact(key, utf8(body), line.signature, verify)
}

/** Returns the time of a cosignature, in seconds since 1970; undefined where the line does not verify. */
function cosignedAt(
  body: string,
  { signature }: SignatureLine,
  key: VerifierKey,
  verify: VerifySignature,
): bigint | undefined {
  if (signature.length < TIME_BYTES) return undefined
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0)
  const isValid =
    time <= MAX_TIME && verifyExact(key, cosignedText(body, time), signature.subarray(TIME_BYTES), verify)
  return isValid ? time : undefined
}

/** Returns what a cosignature signs (c2sp.org/tlog-cosignature). Its line holds the time as 8 bytes, and then the signature. */
function cosignedText(body: string, time: bigint): Uint8Array {
  return utf8(`cosignature/v1\ntime ${time}\n${body}`)
}

function verifyExact(
  { publicKey }: VerifierKey,
  message: Uint8Array,
  signature: Uint8Array,
  verify: VerifySignature,
): boolean {
  return signature.length === SIGNATURE_BYTES && verify(publicKey, message, signature)
}
