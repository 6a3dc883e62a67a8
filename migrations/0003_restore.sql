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

-- ---------------------------------------------------------------------------------------------------------------
-- Roles. A migration that adds something to grant brings a function audit_grant_part_..., without arguments and
-- executable by its owner alone, and calls it once; audit_grant_roles() stays the one thing to call for an
-- administrator who creates the roles later, whatever the version of the schema.
-- ---------------------------------------------------------------------------------------------------------------

ALTER FUNCTION audit_grant_roles() RENAME TO audit_grant_log;

CREATE FUNCTION audit_grant_roles() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  part regprocedure;
BEGIN
  -- Makes the roles, so it comes first.
  PERFORM audit_grant_log();
  FOR part IN
    SELECT p.oid
      FROM pg_proc AS p JOIN pg_roles AS owner ON owner.oid = p.proowner
     WHERE p.pronamespace = current_schema()::regnamespace
       AND p.proname LIKE 'audit\_grant\_part\_%'
       AND p.prokind = 'f' AND p.pronargs = 0
       -- Whoever may create a function in this schema (before PostgreSQL 15, in public, everybody may) would else have
       -- it run in the name of the administrator.
       AND (owner.rolsuper
            OR owner.oid = (SELECT proowner FROM pg_proc WHERE oid = 'audit_grant_roles()'::regprocedure))
     ORDER BY p.proname
  LOOP
    EXECUTE format('SELECT %s', part);
  END LOOP;
END
$$;

CREATE FUNCTION audit_grant_part_restore() RETURNS void
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

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_roles() SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION audit_grant_part_restore() SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_grant_roles(), audit_grant_part_restore() FROM PUBLIC;

SELECT audit_grant_part_restore();
