/**
 * Begins a query with the table `name(domain_id)`: the chains that have rows in `table`, and one NULL. The recursive walk probes
 * the primary key of `table` once a chain, not once a row.
 */
export const withChainsOf = (name: string, table: string) => `
  WITH RECURSIVE ${name}(domain_id) AS (
    (SELECT domain_id FROM ${table} ORDER BY domain_id LIMIT 1)
    UNION ALL
    SELECT (SELECT t.domain_id FROM ${table} t WHERE t.domain_id > w.domain_id ORDER BY t.domain_id LIMIT 1)
    FROM ${name} w WHERE w.domain_id IS NOT NULL
  )`

/** Begins a query with the table `stored(domain_id)`: the chains that have entries. */
export const WITH_STORED_CHAINS = withChainsOf('stored', 'audit_log_entry')
