import type { AccessRelation, Authorizer } from '../ports/access.js'
import type { Relation, RelationWalk } from '../ports/relations.js'

/** Which tuples give what is asked for (http.md, "Credentials"): an owner alone does not read, a member does nothing. */
const GIVEN_BY: Readonly<Record<AccessRelation, readonly Relation[]>> = {
  auditor: ['auditor'],
  manage: ['owner', 'admin'],
  owner: ['owner'],
}

/** Relation tuples. The reason is one and the same, so that it does not tell of a chain whether it exists. */
export function tupleAuthorizer(tuples: RelationWalk): Authorizer {
  return {
    async check(subject, relation, object) {
      const allowed = await tuples.holds(subject, GIVEN_BY[relation], object)
      return allowed ? { allowed } : { allowed, reason: 'insufficient_relation' }
    },
  }
}
