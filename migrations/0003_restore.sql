-- Restores that have begun and not ended. A chain that is being put back has rows and no head yet, which is also what a
-- chain looks like whose head was taken away: this says which of the two it is said to be, and since when.
--
-- The row is no proof: whoever can delete a head can write one. A verify that meets it says so and ends with 3, never
-- with 0, and what is wrong with the rows themselves is found as ever.

CREATE TABLE audit_restore (
  domain_id  uuid             NOT NULL,
  started_at timestamptz      NOT NULL DEFAULT now(),
  -- Without credentials: a mirror URL has none.
  mirror_url text COLLATE "C" NOT NULL,
  CONSTRAINT audit_restore_pkey PRIMARY KEY (domain_id),
  CONSTRAINT audit_restore_domain_not_nil CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_restore_mirror_url_bytes CHECK (octet_length(mirror_url) BETWEEN 1 AND 4096)
);

-- Deleted when the chain gets its head, or when it turned out that nothing can be restored.
CREATE FUNCTION audit_restore_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused: since when a restore runs is written once', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'WO001', HINT = 'Run the restore again: it goes on where it stopped, and ends with deleting its row.';
END
$$;

CREATE TRIGGER audit_restore_write_once BEFORE UPDATE OR TRUNCATE ON audit_restore
  FOR EACH STATEMENT EXECUTE FUNCTION audit_restore_guard();

REVOKE ALL ON audit_restore FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_restore_guard() FROM PUBLIC;

-- Of its own, so that it can be run without what 0001 notes about roles that are missing.
CREATE FUNCTION audit_grant_restore() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  privilege record;
BEGIN
  FOR privilege IN
    SELECT * FROM (VALUES
      ('audit_writer',   'SELECT, INSERT, DELETE'),
      ('audit_reader',   'SELECT'),
      ('audit_archiver', 'SELECT'),
      ('audit_eraser',   'SELECT')
    ) AS t (grantee, privileges)
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = grantee)
  LOOP
    EXECUTE format('GRANT %s ON audit_restore TO %I', privilege.privileges, privilege.grantee);
  END LOOP;
END
$$;

-- What an administrator runs once the roles exist covers this table too.
ALTER FUNCTION audit_grant_roles() RENAME TO audit_grant_roles_before_restore;

CREATE FUNCTION audit_grant_roles() RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM audit_grant_roles_before_restore();
  PERFORM audit_grant_restore();
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_roles() SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION audit_grant_restore() SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_grant_roles() FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_grant_restore() FROM PUBLIC;

SELECT audit_grant_restore();
