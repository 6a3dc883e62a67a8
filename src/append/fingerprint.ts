import { createHmac } from 'node:crypto'
import type { NewRow } from '../ports/append.js'

/**
 * What an idempotency key stands for on one chain: HMAC-SHA256 by the chain's pepper over the key, the chains and every
 * field of the row, what is kept off the chain included; 64 hex digits. Without the pepper nobody can test a guess at
 * what was said; with the key in it, equal contents under two keys do not look alike.
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

/** Two writers of one object may order its keys differently; the object is the same. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (isObject(item) ? sorted(item) : item))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
