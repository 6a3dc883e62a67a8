import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import type { VerifySignature } from '../../chain/note/signers.js'

/** The bytes of a SubjectPublicKeyInfo before the 32 bytes of an Ed25519 key (RFC 8410). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')

/** The bytes of a PKCS #8 private key before the 32 bytes of an Ed25519 seed (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SEED_BYTES = 32

/** Ed25519 by OpenSSL. */
export const verifyEd25519: VerifySignature = (publicKey, message, signature) => {
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' })
    return verify(null, message, key, signature)
  } catch {
    // OpenSSL refuses a key that does not name a point of the curve.
    return false
  }
}

/** An Ed25519 key pair (RFC 8032). */
export class Ed25519KeyPair {
  readonly #key: KeyObject
  /** 32 bytes. */
  readonly publicKey: Uint8Array

  private constructor(key: KeyObject) {
    this.#key = key
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
    this.publicKey = new Uint8Array(spki.subarray(SPKI.length))
  }

  /** Returns the pair whose private key is this seed of 32 bytes. Throws RangeError for another length. */
  static of(seed: Uint8Array): Ed25519KeyPair {
    if (seed.length !== SEED_BYTES) throw new RangeError(`expected a seed of 32 bytes, got ${seed.length}`)
    const der = Buffer.concat([PKCS8, seed])
    try {
      return new Ed25519KeyPair(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
    } finally {
      der.fill(0)
    }
  }

  /** Returns the 64 bytes of the signature, the same ones for the same message. */
  sign(message: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, message, this.#key))
  }
}
