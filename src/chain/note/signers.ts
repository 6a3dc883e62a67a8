import { utf8 } from '../limits.js'
import type { Note, SignatureLine } from './note.js'
import { isCheckedType, KEY_TYPE, type VerifierKey } from './vkey.js'

/** Returns whether an Ed25519 signature (RFC 8032) of 64 bytes by a public key of 32 bytes is valid. */
export type VerifySignature = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

/** Who signed a note. */
export interface Signers {
  /** The known keys with a valid signature line. */
  readonly known: ReadonlySet<VerifierKey>
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
  const unknown: string[] = []
  for (const line of note.lines) {
    const key = keys.find(({ name, id }) => name === line.name && id === line.keyId)
    if (key === undefined || !isCheckedType(key.type)) unknown.push(line.keyId)
    else if (isValid(note.body, line, key, verify)) known.add(key)
    else return undefined
  }
  return { known, unknown }
}

function isValid(body: string, line: SignatureLine, key: VerifierKey, verify: VerifySignature): boolean {
  if (key.type === KEY_TYPE.ed25519) return verifyExact(key, utf8(body), line.signature, verify)
  if (line.signature.length < TIME_BYTES) return false
  const time = new DataView(line.signature.buffer, line.signature.byteOffset).getBigUint64(0)
  return (
    time <= MAX_TIME &&
    verifyExact(key, cosignedText(body, time), line.signature.subarray(TIME_BYTES), verify)
  )
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
