import { AuditError } from '../base/errors.js'
import type { AccessObject, AccessRelation, Authorizer } from '../ports/access.js'
import type { Relation } from '../ports/relations.js'

/**
 * The actor who manages keys and relations, the authorizer that knows the actor's relations, and the signal that aborts its
 * checks.
 */
export interface Authority {
  readonly actor: string
  readonly authorizer: Authorizer
  readonly signal: AbortSignal
}

/**
 * Rejects with `access_denied` unless the actor may manage `relation` on an object (docs/access.md). A `user:` or
 * `service:` must be owner or admin of that object, and owner to manage `owner`. Any other actor is the operator, who holds
 * the credentials of the database and grants the first relations.
 */
export async function assertMayManage(
  authority: Authority,
  relation: Relation,
  object: AccessObject,
): Promise<void> {
  if (isOperator(authority.actor)) return
  await assertHas(authority, relation === 'owner' ? 'owner' : 'manage', object)
}

/**
 * Returns whether the actor is neither a user nor a service, and so acts by the database's credentials instead of
 * relations.
 */
export function isOperator(actor: string): boolean {
  return !/^(?:user|service):/.test(actor)
}

/**
 * Rejects with `access_denied` unless the actor is an owner. The operator is refused too: an owner-only key proves that an
 * owner made it.
 */
export async function assertOwner(authority: Authority, object: AccessObject): Promise<void> {
  if (!isOperator(authority.actor)) return assertHas(authority, 'owner', object)
  throw new AuditError('access_denied', 'only an owner may create owner-only keys', {
    advice: { code: 'act_as_owner' },
  })
}

async function assertHas(
  { actor, authorizer, signal }: Authority,
  relation: AccessRelation,
  object: AccessObject,
): Promise<void> {
  const decision = await authorizer.check(actor, relation, object, signal)
  if (decision.allowed) return
  const needed = relation === 'owner' ? 'owner' : 'owner or admin'
  throw new AuditError('access_denied', `the actor is not ${needed} of ${object}`, {
    advice: { code: 'list_relations' },
  })
}
