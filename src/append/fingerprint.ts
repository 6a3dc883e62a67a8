import { createHmac } from 'node:crypto'
import type { NewRow } from '../ports/append.js'

/**
 * Returns the fingerprint of what was appended under an idempotency key on one chain: HMAC-SHA256 with the chain's pepper
 * over the key, the chains and every field of the row, including those kept off the chain, as 64 hex digits. A guess at
 * the contents cannot be tested without the pepper. The key is included so that equal contents under two keys have
 * different fingerprints. Fingerprints are stored, so the order of the fields never changes.
 */
export function contentFingerprint(
  pepper: Uint8Array,
  { key, domainIds, row }: { key: string; domainIds: readonly string[]; row: NewRow },
): string {
  const { subject, context } = row
  const content = [
    'audit/idempotency/v1',
    key,
    [...domainIds].sort(),
    [row.subjectPseudonym, row.relation, row.object, row.reason],
    [row.relationPath, row.caveatContext, row.correlationId, row.zedtoken],
    subject && [
      subject.identityId,
      subject.plaintext,
      subject.emailClaim,
      subject.sourceIp,
      subject.idpClaimNames,
    ],
    context && [context.ip, context.userAgent, context.metadata && sortedJson(context.metadata)],
  ]
  return createHmac('sha256', pepper).update(JSON.stringify(content)).digest('hex')
}

/** Serialises with sorted keys: two writers may order the keys of the same object differently. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (isObject(item) ? sorted(item) : item))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
