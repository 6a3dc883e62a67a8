/**
 * Makes the planner ignore table sizes. The tables beside the chain shrink and grow by all data of a person, and their
 * statistics lag behind: with the statistics of an empty table, a join of 10,000 rows took 35 s instead of 0.1. So every
 * row is found by an index probe of its own (OFFSET 0 keeps the subquery as it is written), and deleted by its ctid.
 */
export const BY_INDEX = 'SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off'

/** Returns SQL for the context of each row of `rows`, for a CROSS JOIN. */
export function contextOf(rows: string): string {
  return `LATERAL (SELECT c.ctid, c.seq FROM audit_entry_context c
    WHERE c.domain_id = ${rows}.domain_id AND c.seq = ${rows}.seq OFFSET 0)`
}

/** Returns SQL for the row of each context of `contexts`, for a LEFT JOIN ON true: somebody may have deleted the row. */
export function entryOf(contexts: string): string {
  return `LATERAL (SELECT e.seq, e.recorded_at, e.subject_pseudonym FROM audit_log_entry e
    WHERE e.domain_id = ${contexts}.domain_id AND e.seq = ${contexts}.seq OFFSET 0)`
}
