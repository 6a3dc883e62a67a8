-- The name of a Domain is on the platform chain too: `audit domain name` appends a row and changes the registry, in one
-- transaction. A trigger refuses every other change of a registry entry (0001).

-- Run by audit_grant_roles() too (0003).
CREATE FUNCTION audit_grant_part_domain_name() RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_writer') THEN
    GRANT UPDATE (name) ON audit_domain TO audit_writer;
  END IF;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_part_domain_name() SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_grant_part_domain_name() FROM PUBLIC;

SELECT audit_grant_part_domain_name();
