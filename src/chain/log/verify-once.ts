import { encodeBase64 } from '../note/base64.js'
import type { VerifySignature } from '../note/signers.js'

/**
 * Returns a check that remembers its answers, because a signature costs more than all else that a row is read for. The bytes of a
 * signature must be one object for each message.
 */
export function verifyOnce(verify: VerifySignature): VerifySignature {
  const answers = new WeakMap<Uint8Array, Map<string, boolean>>()
  return (publicKey, message, signature) => {
    const byKey = answers.get(signature) ?? new Map<string, boolean>()
    answers.set(signature, byKey)
    const key = encodeBase64(publicKey)
    const answer = byKey.get(key) ?? verify(publicKey, message, signature)
    byKey.set(key, answer)
    return answer
  }
}
