/**
 * Begins a query with the table `stored(domain_id)`: the chains that have rows, and one NULL. The recursive walk probes the index
 * once a chain, not once a row.
 */
export const WITH_STORED_CHAINS = `
  WITH RECURSIVE stored(domain_id) AS (
    (SELECT domain_id FROM audit_log_entry ORDER BY domain_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.domain_id FROM audit_log_entry e WHERE e.domain_id > s.domain_id ORDER BY e.domain_id LIMIT 1)
    FROM stored s WHERE s.domain_id IS NOT NULL
  )`
