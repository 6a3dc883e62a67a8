import { createHash } from 'node:crypto'
import type { CloudTrailEvent } from './event.js'

/**
 * Returns the idempotency key of an event: the first 16 bytes of the SHA-256 of `<account id>/<eventID>` in UTF-8, in the form of
 * a UUID v4 (version and variant bits set). The account is the one that the event was delivered to, otherwise that of the
 * identity. Returns undefined for an event without an eventID.
 */
export function idempotencyKeyOf(event: CloudTrailEvent): string | undefined {
  const { eventID, recipientAccountId, userIdentity } = event
  if (!eventID) return undefined
  const account = recipientAccountId || userIdentity?.accountId || ''
  const digest = createHash('sha256').update(`${account}/${eventID}`).digest()
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x40
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80
  const hex = digest.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  )
}
