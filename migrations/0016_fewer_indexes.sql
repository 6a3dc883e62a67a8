-- Only indexes that earn their cost. An index on hashes is the worst: each row goes to a random page of it, and that page is
-- cold once the log is larger than memory.

-- Two rows at one seq are refused by the primary key. An append holds the lock of the chain and compares the head with the
-- last row, so it never links a row to an older one. A row that somebody links to an older one at another seq is a
-- broken_link in every verify.
ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_no_fork;
