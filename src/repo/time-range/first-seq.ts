import { LIMITS } from '../../chain/limits.js'

/**
 * Returns SQL for the seq of the first row of a chain whose time compares as `comparison` says: `>= time` for the lower bound
 * of a range, `> time` for the first row beyond it. Where no row does, returns the seq after the last row. `chain` is SQL for
 * the domain_id.
 *
 * recorded_at never runs backwards on a chain, so a time range is a range of seqs, and a binary search on the primary key finds
 * each end. It needs no index of times. Every row up to `below` is before the bound, and row `first` is not. Each step looks at
 * the last row of the lower half, whatever seqs are missing, and at least halves the distance. So it ends after at most 53 steps
 * whatever rows were forced into the table, and after 20 on a chain of 1,000,000 rows.
 *
 * On a chain whose times are not in order, the range that this finds may lack rows (time-order.ts).
 */
export function firstSeq(chain: string, comparison: string): string {
  return `(WITH RECURSIVE search (below, first) AS (
      SELECT 0::bigint, coalesce((
        SELECT seq FROM audit_log_entry WHERE domain_id = ${chain} AND seq BETWEEN 1 AND ${LIMITS.maxSeq}
        ORDER BY seq DESC LIMIT 1), 0) + 1
      UNION ALL
      SELECT CASE WHEN probe.reached THEN half.below ELSE half.middle END,
        CASE WHEN probe.reached THEN probe.seq ELSE half.first END
      FROM (SELECT below, first, below + (first - below) / 2 AS middle FROM search WHERE first - below > 1) AS half
      LEFT JOIN LATERAL (
        SELECT seq, (recorded_at ${comparison}) IS TRUE AS reached FROM audit_log_entry
        WHERE domain_id = ${chain} AND seq > half.below AND seq <= half.middle ORDER BY seq DESC LIMIT 1) AS probe ON true
    ) SELECT min(first) FROM search)`
}
