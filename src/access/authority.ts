import { AuditError } from '../base/errors.js'
import type { AccessObject, AccessRelation, Authorizer } from '../ports/access.js'
import type { Relation } from '../ports/relations.js'

/** Who manages keys and relations: the actor, and what asks for their relations. */
export interface Authority {
  readonly actor: string
  readonly authorizer: Authorizer
  readonly signal: AbortSignal
}

/**
 * Whether the actor may manage `relation` on an object (http.md, the table of relations; docs/access.md). A `user:` or
 * `service:` needs to be owner or admin there; to make or unmake owners, an owner. Any other actor is the operator, who
 * holds the database's own credentials: relations begin with them. Rejects with `access_denied`.
 */
export async function assertManages(
  authority: Authority,
  relation: Relation,
  object: AccessObject,
): Promise<void> {
  if (isOperator(authority.actor)) return
  await assertHas(authority, relation === 'owner' ? 'owner' : 'manage', object)
}

/** Whoever is no user or service acts by the database's credentials, not by relations. */
export function isOperator(actor: string): boolean {
  return !/^(?:user|service):/.test(actor)
}

/** The mark is worth something only where nobody but an owner can have set it: the operator does not do. */
export async function assertOwner(authority: Authority, object: AccessObject): Promise<void> {
  if (!isOperator(authority.actor)) return assertHas(authority, 'owner', object)
  throw new AuditError('access_denied', 'only an owner makes owner-only keys', {
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
