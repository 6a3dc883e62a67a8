import type { RelationWalk } from '../../ports/relations.js'
import type { Database } from '../session/database.js'

/** The depth to which groups in groups are followed. */
export const MAX_DEPTH = 16

/**
 * Selects the subject $1 and the groups that it is a member of, from the subject upwards, so that a check takes the same
 * steps for every object. UNION drops duplicates at the same depth, and groups that contain each other end at the bound.
 * OFFSET 0 makes each step an index probe, whatever the planner assumes about sizes.
 */
export const GROUPS_OF = `
  WITH RECURSIVE up (subject, depth) AS (
    SELECT $1::text COLLATE "C", 0
    UNION
    SELECT t.object || '#member', up.depth + 1
    FROM up CROSS JOIN LATERAL (
      SELECT object FROM audit_relation_tuple
      WHERE subject = up.subject AND relation = 'member' AND object LIKE 'group:%' OFFSET 0) AS t
    WHERE up.depth < ${MAX_DEPTH}
  )`

const HOLDS = `${GROUPS_OF}
  SELECT EXISTS (
    SELECT FROM up WHERE EXISTS (
      SELECT FROM audit_relation_tuple t
      WHERE t.subject = up.subject AND t.relation = ANY ($2::text[]) AND t.object = $3 OFFSET 0)) AS holds`

/** Checks relations, directly and through groups. Implements RelationWalk. */
export function postgresRelationWalk(database: Database): RelationWalk {
  return {
    holds: (subject, relations, object) =>
      database.read(async (client) => {
        const { rows } = await client.query<{ holds: boolean }>(HOLDS, [subject, relations, object])
        return rows[0]?.holds === true
      }),
  }
}
