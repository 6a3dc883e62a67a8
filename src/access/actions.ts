import { pseudonymiseObject } from '../append/personal/pseudonymise.js'
import type { SelfAuditAction } from '../append/self-audit-item.js'
import { chainObject, SELF_AUDIT } from '../chain/self-audit.js'
import { formatTimestamp } from '../chain/timestamp.js'
import type { NewApiKey } from '../ports/keys.js'
import type { RelationTuple } from '../ports/relations.js'

/** Returns the action of creating a key. Its subject and marks are hashed with the row, so that they cannot be denied later. */
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
  return { relation: SELF_AUDIT.keyCreate, object: keyObject(pepper, key.id), relationPath }
}

export function keyRevoked(pepper: Uint8Array, id: string): SelfAuditAction {
  return { relation: SELF_AUDIT.keyRevoke, object: keyObject(pepper, id), relationPath: [] }
}

/** Returns the action of a grant or a revocation. Its object is the subject: a person's pseudonym, a service's or group's name. */
export function relationChanged(
  relation: typeof SELF_AUDIT.relationGrant | typeof SELF_AUDIT.relationRevoke,
  pepper: Uint8Array,
  tuple: RelationTuple,
): SelfAuditAction {
  const relationPath = [`${tuple.object}#${tuple.relation}`]
  return { relation, object: pseudonymiseObject(pepper, tuple.subject), relationPath }
}

export function policySet(domainId: string, isOwnerOnly: boolean): SelfAuditAction {
  const relationPath = [`erase:${isOwnerOnly ? 'owner-only' : 'manage'}`]
  return { relation: SELF_AUDIT.accessPolicy, object: chainObject(domainId), relationPath }
}

function keyObject(pepper: Uint8Array, id: string): string {
  return pseudonymiseObject(pepper, `apikey:${id}`)
}
