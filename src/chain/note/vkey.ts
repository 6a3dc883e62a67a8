import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { utf8 } from '../limits.js'
import { decodeBase64, encodeBase64 } from './base64.js'
import { isEd25519Key } from './ed25519-key.js'

/** The signature types of c2sp.org/signed-note that are read here. */
export const KEY_TYPE = { ed25519: 0x01, cosignature: 0x04 } as const

/** A public key that signs notes: a vkey of c2sp.org/signed-note. */
export interface VerifierKey {
  /** The name of the key; for a log, its origin. */
  readonly name: string
  /** The key id, 8 hex digits. */
  readonly id: string
  /** The signature type, one byte. */
  readonly type: number
  readonly publicKey: Uint8Array
}

/** Returns whether signatures of this type are checked here. A line of another type proves nothing. */
export function isCheckedType(type: number): boolean {
  return type === KEY_TYPE.ed25519 || type === KEY_TYPE.cosignature
}

/** A name has no spaces of any script and no plus sign. */
const NAME = /^[^\s+\u0085]+$/u
const PARTS = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u

export function isKeyName(text: string): boolean {
  return text.isWellFormed() && NAME.test(text)
}

/** Returns the key id of a key, 8 hex digits: the first 4 bytes of sha256(name ‖ "\n" ‖ type ‖ public key). */
export function keyIdOf(name: string, type: number, publicKey: Uint8Array): string {
  return bytesToHex(sha256(concatBytes(utf8(`${name}\n`), Uint8Array.of(type), publicKey)).subarray(0, 4))
}

/** Returns the key of a public key of 32 bytes. */
export function verifierKey(name: string, type: number, publicKey: Uint8Array): VerifierKey {
  return { name, id: keyIdOf(name, type, publicKey), type, publicKey }
}

/** Reads `name+id+base64(type ‖ public key)`. Undefined where the text is no vkey, or the id is not that of the key. */
export function parseVkey(text: string): VerifierKey | undefined {
  const [, name = '', id, encoded = ''] = PARTS.exec(text) ?? []
  const [type, ...rest] = decodeBase64(encoded) ?? []
  if (type === undefined || rest.length === 0 || !isKeyName(name)) return undefined
  const key = verifierKey(name, type, Uint8Array.from(rest))
  const isSound = isCheckedType(type) ? isEd25519Key(key.publicKey) : true
  return key.id === id && isSound ? key : undefined
}

export function vkeyText({ name, id, type, publicKey }: VerifierKey): string {
  return `${name}+${id}+${encodeBase64(concatBytes(Uint8Array.of(type), publicKey))}`
}
