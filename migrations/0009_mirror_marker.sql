-- The id of this database's mirrors. Each mirror holds the same id in its marker object, audit/mirror.json. The archiver
-- uploads only to a mirror that has it, so that an empty or wrong place is never taken for the mirror.
--
-- The time is also the time from which rows are stamped in the order of seq: programs before this migration stamped rows in
-- any order.

CREATE TABLE audit_mirror_marker (
  -- There is one id in a database.
  only_row    boolean     NOT NULL DEFAULT true,
  marker_id   uuid        NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT audit_mirror_marker_pkey PRIMARY KEY (only_row),
  CONSTRAINT audit_mirror_marker_one_row CHECK (only_row),
  CONSTRAINT audit_mirror_marker_id_not_nil CHECK (marker_id <> '00000000-0000-0000-0000-000000000000')
);

CREATE FUNCTION audit_mirror_marker_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused: the id of the mirrors is written once', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'WO001', HINT = 'Give the mirror whose marker has this id.';
END
$$;

CREATE TRIGGER audit_mirror_marker_write_once BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_mirror_marker
  FOR EACH STATEMENT EXECUTE FUNCTION audit_mirror_marker_guard();

REVOKE ALL ON audit_mirror_marker FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_mirror_marker_guard() FROM PUBLIC;

-- Run by audit_grant_roles() too (0003). A restore, which runs as audit_writer, takes over the id of the mirror.
CREATE FUNCTION audit_grant_part_mirror_marker() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  privilege record;
BEGIN
  FOR privilege IN
    SELECT * FROM (VALUES
      ('audit_writer',   'SELECT, INSERT'),
      ('audit_reader',   'SELECT'),
      ('audit_archiver', 'SELECT, INSERT'),
      ('audit_eraser',   'SELECT')
    ) AS t (grantee, privileges)
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = grantee)
  LOOP
    EXECUTE format('GRANT %s ON audit_mirror_marker TO %I', privilege.privileges, privilege.grantee);
  END LOOP;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_part_mirror_marker() SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_grant_part_mirror_marker() FROM PUBLIC;

SELECT audit_grant_part_mirror_marker();
