import { createPublicKey, verify } from 'node:crypto'
import type { VerifySignature } from '../../chain/note/signers.js'

/** The bytes of a SubjectPublicKeyInfo before the 32 bytes of an Ed25519 key (RFC 8410). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')

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
