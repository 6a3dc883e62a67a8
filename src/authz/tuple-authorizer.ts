import type { AccessRelation, Authorizer } from '../ports/access.js'
import type { Relation, RelationWalk } from '../ports/relations.js'

/** The relations that grant each requested relation. An owner may not read, and a member may do nothing. */
const GIVEN_BY: Readonly<Record<AccessRelation, readonly Relation[]>> = {
  auditor: ['auditor'],
  manage: ['owner', 'admin'],
  owner: ['owner'],
}

/** Decides by relation tuples. Every denial has the same reason, so that it does not show whether a chain exists. */
export function tupleAuthorizer(tuples: RelationWalk): Authorizer {
  return {
    async check(subject, relation, object) {
      const allowed = await tuples.holds(subject, GIVEN_BY[relation], object)
      return allowed ? { allowed } : { allowed, reason: 'insufficient_relation' }
    },
  }
}
