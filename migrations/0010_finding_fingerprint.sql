-- The fingerprint of a finding is a hash over what was found at each of its rows. The first row alone, which the old index
-- compared, does not tell an acknowledged range from a new edit inside that range.

ALTER TABLE audit_tamper_quarantine ADD COLUMN fingerprint bytea;
ALTER TABLE audit_tamper_quarantine ADD CONSTRAINT audit_tamper_quarantine_fingerprint_bytes CHECK (octet_length(fingerprint) = 32);

-- One row a finding, however often verify runs and whichever copies it reads.
DROP INDEX audit_tamper_quarantine_once;
CREATE UNIQUE INDEX audit_tamper_quarantine_once ON audit_tamper_quarantine (domain_id, fingerprint);

-- Records of earlier versions have no fingerprint and stay as they are. A record of one row names that row completely.
CREATE INDEX audit_tamper_quarantine_unmarked ON audit_tamper_quarantine (domain_id, seq_from, code)
  WHERE fingerprint IS NULL;

DO $$
DECLARE
  ids text;
BEGIN
  SELECT string_agg(id::text, ', ' ORDER BY id) INTO ids FROM audit_tamper_quarantine
   WHERE acknowledged_at IS NOT NULL AND seq_from < seq_to;
  IF ids IS NOT NULL THEN
    RAISE NOTICE 'acknowledged findings over several rows open again once, since their records do not cover every row: quarantine records %', ids
      USING HINT = 'The next verification records them anew. Look at each, then: audit quarantine acknowledge ID --reason TEXT';
  END IF;
END
$$;
