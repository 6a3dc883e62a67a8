/**
 * Begins a transaction that sees one state of the whole database.
 *
 * constraint_exclusion is off: a CHECK that is marked as valid and is not would make the planner skip the rows of a table.
 */
export const SNAPSHOT_BEGIN =
  'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL constraint_exclusion = off'

/** Begins the reading of one chain in key order. Sorting a long chain would spill to disk before its first row. */
export const SCAN_BEGIN = `${SNAPSHOT_BEGIN}; SET LOCAL enable_sort = off`

/**
 * Turns off, as pg_dump does, the timeouts that end long statements and transactions, and transactions that idle while
 * others use their snapshot. A server before 17 has no transaction_timeout. A transaction that joins the snapshot of
 * another one must do so before it runs this query.
 */
export const NO_TIMEOUTS = `SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
  SELECT CASE WHEN current_setting('transaction_timeout', true) IS NOT NULL
    THEN set_config('transaction_timeout', '0', true) END`
