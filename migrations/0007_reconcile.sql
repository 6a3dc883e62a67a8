-- How far the reconcile probe of a server has verified each chain, so that a restart goes on where it was and the last
-- verified head can be held against the chain.
--
-- It is no proof: whoever can edit a chain can edit this. What it can and cannot be trusted for: docs/readiness.md.

CREATE TABLE audit_reconcile (
  domain_id       uuid        NOT NULL,
  -- Up to where rows were verified as they came, and the entry_hash there: it must still be in the chain.
  verified_seq    bigint,
  verified_hash   bytea,
  -- Every row was verified then or later.
  full_at         timestamptz,
  -- How far the pass of a server that started has come; NULL unless one is under way.
  boot_seq        bigint,
  boot_hash       bytea,
  boot_started_at timestamptz,
  updated_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT audit_reconcile_pkey PRIMARY KEY (domain_id),
  CONSTRAINT audit_reconcile_domain_not_nil CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_reconcile_verified_seq_range CHECK (verified_seq BETWEEN 1 AND 9007199254740991),
  CONSTRAINT audit_reconcile_verified_hash_bytes CHECK (octet_length(verified_hash) = 32),
  CONSTRAINT audit_reconcile_boot_seq_range CHECK (boot_seq BETWEEN 0 AND 9007199254740991),
  CONSTRAINT audit_reconcile_boot_hash_bytes CHECK (octet_length(boot_hash) = 32),
  CONSTRAINT audit_reconcile_boot_whole CHECK ((boot_seq IS NULL) = (boot_started_at IS NULL))
);

REVOKE ALL ON audit_reconcile FROM PUBLIC;

-- Readiness asks every second whether a finding stands unacknowledged.
CREATE INDEX audit_tamper_quarantine_open ON audit_tamper_quarantine (id) WHERE acknowledged_at IS NULL;

-- Run by audit_grant_roles() too (0003).
CREATE FUNCTION audit_grant_part_reconcile() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  privilege record;
BEGIN
  FOR privilege IN
    SELECT * FROM (VALUES
      ('audit_writer', 'SELECT, INSERT, UPDATE'),
      ('audit_reader', 'SELECT')
    ) AS t (grantee, privileges)
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = grantee)
  LOOP
    EXECUTE format('GRANT %s ON audit_reconcile TO %I', privilege.privileges, privilege.grantee);
  END LOOP;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_part_reconcile() SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_grant_part_reconcile() FROM PUBLIC;

SELECT audit_grant_part_reconcile();
