/**
 * The tables beside the chain shrink and grow by whole people, and statistics lag behind: with those of an emptied table,
 * a join of 10,000 rows took 35 s in place of 0.1. So nothing here is left to the planner's idea of sizes: every row is
 * found by a probe of its own (OFFSET 0 keeps the subquery as it is written), and deleted by where it lies.
 */
export const BY_INDEX = 'SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off'

/** The context of each row of `rows`, for a CROSS JOIN. */
export function contextOf(rows: string): string {
  return `LATERAL (SELECT c.ctid, c.seq FROM audit_entry_context c
    WHERE c.domain_id = ${rows}.domain_id AND c.seq = ${rows}.seq OFFSET 0)`
}

/** The row of each context of `contexts`, for a LEFT JOIN ON true: somebody may have taken it away. */
export function entryOf(contexts: string): string {
  return `LATERAL (SELECT e.seq, e.recorded_at, e.subject_pseudonym FROM audit_log_entry e
    WHERE e.domain_id = ${contexts}.domain_id AND e.seq = ${contexts}.seq OFFSET 0)`
}
