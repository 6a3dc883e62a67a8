-- Claims on chains: an archiver or a restore that works on a chain, so that another one leaves the chain alone. A claim
-- divides the work and protects nothing. It is a row that its holder renews, and not a lock of the session: behind a pooler in
-- transaction mode a session is nobody's own, and an advisory lock can be taken by any role. A claim that is not renewed ends.

CREATE TABLE audit_claim (
  purpose    text COLLATE "C" NOT NULL,
  domain_id  uuid             NOT NULL,
  -- Chosen by the process, at random.
  holder     uuid             NOT NULL,
  renewed_at timestamptz      NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT audit_claim_pkey PRIMARY KEY (purpose, domain_id),
  CONSTRAINT audit_claim_purpose_known CHECK (purpose IN ('archive', 'restore')),
  CONSTRAINT audit_claim_domain_not_nil CHECK (domain_id <> '00000000-0000-0000-0000-000000000000')
);

REVOKE ALL ON audit_claim FROM PUBLIC;

-- Run by audit_grant_roles() too (0003). A restore runs as audit_writer.
CREATE FUNCTION audit_grant_part_claim() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  privilege record;
BEGIN
  FOR privilege IN
    SELECT * FROM (VALUES
      ('audit_writer',   'SELECT, INSERT, UPDATE, DELETE'),
      ('audit_archiver', 'SELECT, INSERT, UPDATE, DELETE')
    ) AS t (grantee, privileges)
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = grantee)
  LOOP
    EXECUTE format('GRANT %s ON audit_claim TO %I', privilege.privileges, privilege.grantee);
  END LOOP;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_part_claim() SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_grant_part_claim() FROM PUBLIC;

SELECT audit_grant_part_claim();
