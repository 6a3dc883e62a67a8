-- Only indexes that earn their cost. An index on hashes is the worst: each row goes to a random page of it, and that page is
-- cold once the log is larger than memory.

-- Two rows at one seq are refused by the primary key. An append holds the lock of the chain and compares the head with the
-- last row, so it never links a row to an older one. A row that somebody links to an older one at another seq is a
-- broken_link in every verify.
ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_no_fork;

-- recorded_at never runs backwards on a chain, so a time range is a range of rows, which a binary search on the primary key finds.
DROP INDEX audit_log_entry_by_time;

-- A purge reads every row of a chain whose times are known to be out of order. By its name one of the parts that
-- audit_grant_roles() runs.
CREATE FUNCTION audit_grant_part_time_order() RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_eraser') THEN
    GRANT SELECT ON audit_tamper_quarantine TO audit_eraser;
  END IF;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_part_time_order() SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_grant_part_time_order() FROM PUBLIC;

SELECT audit_grant_part_time_order();
