import { timingSafeEqual } from 'node:crypto'
import { chainObject } from '../chain/self-audit.js'
import type { Authenticator, Principal } from '../ports/access.js'
import type { ApiKeyLookup, StoredKey } from '../ports/keys.js'
import { secretHash, splitKey } from './api-key.js'
import { LastUse } from './last-use.js'

/** Matches no key: real ids consist of hex digits. */
const NO_KEY = { id: 'ak_________________', secret: '' }

/** No secret with this hash can be found. */
const NO_HASH = '00'.repeat(32)

/** Authenticates API keys. Every refusal takes one query, one hash and one comparison, whatever its reason. */
export function keyAuthenticator(keys: ApiKeyLookup): Authenticator {
  const lastUse = new LastUse((id) => keys.touch(id))
  return {
    async authenticate(bearer) {
      const { id, secret } = splitKey(bearer) ?? NO_KEY
      const stored = await keys.lookUp(id)
      const isSame = isEqual(secretHash(secret), stored?.secretHash ?? NO_HASH)
      if (stored === undefined || !isSame || !stored.isActive) return undefined
      if (stored.isUseDue) lastUse.note(id)
      return principalOf(id, stored)
    },
  }
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function principalOf(keyId: string, stored: StoredKey): Principal {
  const { domainId, subject, readOnly, ownerOnly } = stored
  return {
    subject,
    subjectId: subject.slice(subject.indexOf(':') + 1),
    keyId,
    boundChain: chainObject(domainId),
    readOnly,
    hasOwnerKey: ownerOnly,
  }
}
