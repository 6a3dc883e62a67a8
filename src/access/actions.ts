import { pseudonymiseObject } from '../append/pseudonymise.js'
import { chainObject, type SelfAuditAction } from '../append/self-audit-item.js'
import { formatTimestamp } from '../chain/timestamp.js'
import type { NewApiKey } from '../ports/keys.js'
import type { RelationTuple } from '../ports/relations.js'

export const KEY_CREATE = 'audit.key-create'
export const KEY_REVOKE = 'audit.key-revoke'
export const RELATION_GRANT = 'audit.relation-grant'
export const RELATION_REVOKE = 'audit.relation-revoke'
export const ACCESS_POLICY = 'audit.access-policy'

/** Whose it is and how it is marked are hashed with the row: nobody can say later that it was another key. */
export function keyCreated(pepper: Uint8Array, key: NewApiKey): SelfAuditAction {
  const marks = [
    ...(key.readOnly ? ['read-only'] : []),
    ...(key.ownerOnly ? ['owner-only'] : []),
    ...(key.expiresAt === undefined ? [] : [`expires:${formatTimestamp(key.expiresAt)}`]),
  ]
  const relationPath = [
    `${chainObject(key.domainId)}#${key.relation}`,
    pseudonymiseObject(pepper, key.subject),
    ...marks,
  ]
  return { relation: KEY_CREATE, object: keyObject(pepper, key.id), relationPath }
}

export function keyRevoked(pepper: Uint8Array, id: string): SelfAuditAction {
  return { relation: KEY_REVOKE, object: keyObject(pepper, id), relationPath: [] }
}

/** The object is who got or lost it: people by their pseudonym, services and groups by their name. */
export function relationChanged(
  relation: typeof RELATION_GRANT | typeof RELATION_REVOKE,
  pepper: Uint8Array,
  tuple: RelationTuple,
): SelfAuditAction {
  const relationPath = [`${tuple.object}#${tuple.relation}`]
  return { relation, object: pseudonymiseObject(pepper, tuple.subject), relationPath }
}

export function policySet(domainId: string, isOwnerOnly: boolean): SelfAuditAction {
  const relationPath = [`erase:${isOwnerOnly ? 'owner-only' : 'manage'}`]
  return { relation: ACCESS_POLICY, object: chainObject(domainId), relationPath }
}

function keyObject(pepper: Uint8Array, id: string): string {
  return pseudonymiseObject(pepper, `apikey:${id}`)
}
