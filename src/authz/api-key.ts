import { createHash, randomBytes } from 'node:crypto'
import type { MintedKey } from '../ports/keys.js'

/**
 * The text of a key: `ak_` and 16 hex digits for the look-up, `_`, and 256 random bits in base64url. Only the SHA-256 of the
 * secret is stored: a password needs a slow hash because it can be guessed, and 256 random bits cannot.
 */
const KEY = /^(ak_[0-9a-f]{16})_([A-Za-z0-9_-]{43})$/

export function mintKey(): MintedKey {
  const id = `ak_${randomBytes(8).toString('hex')}`
  const secret = randomBytes(32).toString('base64url')
  return { id, key: `${id}_${secret}`, secretHash: secretHash(secret) }
}

/** Returns the two halves of a key's text, or undefined for any other text. */
export function splitKey(text: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = KEY.exec(text) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** Returns the SHA-256 of the secret, 64 hex digits. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
