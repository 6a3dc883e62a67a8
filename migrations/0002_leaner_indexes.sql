-- Every index is paid for by every append: 38 us a row with the eleven of 0001, 31 with these.

-- A filter by type and id together is served by the one on the id.
DROP INDEX audit_log_entry_by_object;

-- Granted is the rule, and the rows come in order of seq by the primary key; the others are looked for.
DROP INDEX audit_log_entry_by_reason;
CREATE INDEX audit_log_entry_by_reason ON audit_log_entry (domain_id, reason, seq) WHERE reason <> 1;
-- Holds what no client can store: a row here was forced into the table.
CREATE INDEX audit_log_entry_by_reason_unknown ON audit_log_entry (domain_id, seq)
  WHERE reason < 1 OR reason > 4 OR reason IS NULL;
