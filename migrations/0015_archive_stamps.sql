-- The log is written once: that a row was archived moves into a table of its own.
--
-- A stamp in the row was an UPDATE, which wrote the row and its entry in every index anew: 70 us and a second copy of the row. An
-- INSERT into the narrow table costs 4 us. The tables prove nothing: a stamp that is missing, forged or moved changes what an archiver
-- and a signer do next, and a comparison with the mirror finds what it hides.
--
-- The program takes the lock and looks for running archivers before it runs this file.

LOCK TABLE audit_log_entry IN ACCESS EXCLUSIVE MODE;

CREATE TABLE audit_archive_stamp (
  domain_id    uuid             NOT NULL,
  seq          bigint           NOT NULL,
  -- At least the row's recorded_at: an earlier stamp does not count. So a chain ahead of the clock has stamps ahead of the clock.
  archived_at  timestamptz      NOT NULL,
  archive_etag text COLLATE "C" NOT NULL,
  CONSTRAINT audit_archive_stamp_domain_not_nil CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_archive_stamp_seq_range CHECK (seq BETWEEN 1 AND 9007199254740991)
);

-- A backfill that fills a mirror claims its chains, so that no archiver takes a row that is not there yet for a lost one.
ALTER TABLE audit_claim
  DROP CONSTRAINT audit_claim_purpose_known,
  ADD CONSTRAINT audit_claim_purpose_known CHECK (purpose IN ('archive', 'backfill', 'restore'));

-- Where the archiver goes on: every row up to and with seq had a stamp. A hint, which it recomputes now and then.
CREATE TABLE audit_archive_watermark (
  domain_id uuid   NOT NULL,
  seq       bigint NOT NULL,
  CONSTRAINT audit_archive_watermark_pkey PRIMARY KEY (domain_id),
  CONSTRAINT audit_archive_watermark_domain_not_nil CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_archive_watermark_seq_range CHECK (seq BETWEEN 0 AND 9007199254740991)
);

-- ---------------------------------------------------------------------------------------------------------------
-- Moving the stamps
-- ---------------------------------------------------------------------------------------------------------------

-- The table is read, and not its indexes: an index that lacks a row would lose a stamp.
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
-- For the joins and the index of a million narrow rows.
SET LOCAL work_mem = '64MB';
SET LOCAL maintenance_work_mem = '128MB';

-- One of the two columns alone was forced, and still says that the row was archived. The older program stamped rows that are ahead of
-- the clock with the clock's time. Such a stamp is moved to the time of its row, and to the smallest step after it if rows were already
-- stamped in order: verify compares the stamps that are later than their rows. The rows come as the table has them, and are not sorted:
-- the primary key is built afterwards.
INSERT INTO audit_archive_stamp (domain_id, seq, archived_at, archive_etag)
  SELECT domain_id, seq, coalesce(greatest(archived_at, recorded_at,
      CASE WHEN recorded_at < '294276-12-30 00:00:00Z' AND archived_at > (SELECT min(m.recorded_at) FROM audit_mirror_marker AS m)
        THEN recorded_at + interval '1 microsecond' END), clock_timestamp()), coalesce(archive_etag, '')
    FROM audit_log_entry
   WHERE (archived_at IS NOT NULL OR archive_etag IS NOT NULL)
     AND domain_id <> '00000000-0000-0000-0000-000000000000' AND seq BETWEEN 1 AND 9007199254740991;

-- Of two rows in one place, which no client can store, the later stamp is kept.
DO $$
BEGIN
  ALTER TABLE audit_archive_stamp ADD CONSTRAINT audit_archive_stamp_pkey PRIMARY KEY (domain_id, seq);
EXCEPTION WHEN unique_violation THEN
  DELETE FROM audit_archive_stamp AS s USING audit_archive_stamp AS t
   WHERE s.domain_id = t.domain_id AND s.seq = t.seq AND (s.archived_at, s.ctid) < (t.archived_at, t.ctid);
  ALTER TABLE audit_archive_stamp ADD CONSTRAINT audit_archive_stamp_pkey PRIMARY KEY (domain_id, seq);
END
$$;

-- Each stamped row finds its stamp, with a time that counts. What the format has no place for is named, and not lost silently.
DO $$
DECLARE
  stamped  bigint;
  unplaced bigint;
  moved    bigint;
  stored   bigint;
BEGIN
  SELECT count(*), count(*) FILTER (
      WHERE (domain_id <> '00000000-0000-0000-0000-000000000000' AND seq BETWEEN 1 AND 9007199254740991) IS NOT TRUE)
    INTO stamped, unplaced
    FROM audit_log_entry WHERE archived_at IS NOT NULL OR archive_etag IS NOT NULL;
  SELECT count(*) INTO moved
    FROM audit_log_entry AS e JOIN audit_archive_stamp AS s ON s.domain_id = e.domain_id AND s.seq = e.seq
   WHERE (e.archived_at IS NOT NULL OR e.archive_etag IS NOT NULL)
     AND s.archived_at >= coalesce(e.recorded_at, s.archived_at);
  SELECT count(*) INTO stored FROM audit_archive_stamp;
  IF moved + unplaced <> stamped OR stored > moved THEN
    RAISE EXCEPTION 'the stamps of % archived rows were not all moved: % rows have one, from % stamps, and % rows have no place',
      stamped, moved, stored, unplaced;
  END IF;
  IF unplaced > 0 THEN
    RAISE NOTICE '% of % stamps were not moved: their rows have a domain_id or a seq that no chain can have', unplaced, stamped
      USING HINT = 'audit verify --all names these rows';
  END IF;
  IF moved > stored THEN
    RAISE NOTICE '% of % stamps were left out: another row has the same place, and its stamp was moved', moved - stored, stamped
      USING HINT = 'audit verify --all names these rows';
  END IF;
END
$$;

INSERT INTO audit_archive_watermark (domain_id, seq)
  SELECT domain_id, seq FROM (
    SELECT domain_id, coalesce(min(seq) FILTER (WHERE archived_at IS NULL AND archive_etag IS NULL) - 1, max(seq)) AS seq
      FROM audit_log_entry
     WHERE domain_id <> '00000000-0000-0000-0000-000000000000' AND seq BETWEEN 1 AND 9007199254740991
     GROUP BY domain_id) AS chains
   WHERE seq > 0;

SET LOCAL enable_indexscan TO DEFAULT;
SET LOCAL enable_indexonlyscan TO DEFAULT;
SET LOCAL enable_bitmapscan TO DEFAULT;
SET LOCAL work_mem TO DEFAULT;
SET LOCAL maintenance_work_mem TO DEFAULT;

-- ---------------------------------------------------------------------------------------------------------------
-- The log: no UPDATE is legal any more
-- ---------------------------------------------------------------------------------------------------------------

DROP TRIGGER audit_log_entry_write_once ON audit_log_entry;
DROP FUNCTION audit_log_entry_guard();
CREATE TRIGGER audit_log_entry_write_once BEFORE UPDATE ON audit_log_entry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal('To correct an entry, append another.');
-- A statement on a table that audit_log_entry inherits from runs no statement trigger of audit_log_entry.
CREATE TRIGGER audit_log_entry_write_once_row BEFORE UPDATE OR DELETE ON audit_log_entry
  FOR EACH ROW EXECUTE FUNCTION audit_refuse_removal('To correct an entry, append another.');

-- With the columns goes the index audit_log_entry_unarchived.
ALTER TABLE audit_log_entry DROP COLUMN archived_at, DROP COLUMN archive_etag;

CREATE TRIGGER audit_archive_stamp_write_once BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_archive_stamp
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal('That a row was archived is written once.');
CREATE TRIGGER audit_archive_stamp_write_once_row BEFORE UPDATE OR DELETE ON audit_archive_stamp
  FOR EACH ROW EXECUTE FUNCTION audit_refuse_removal('That a row was archived is written once.');

-- A stamp is never changed. So one that does not count would keep its row from being archived and signed.
CREATE FUNCTION audit_archive_stamp_counts() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  refused record;
BEGIN
  -- Whoever owns the table can switch this trigger off anyway.
  IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
    RETURN NULL;
  END IF;
  -- A scalar subquery is a probe of the primary key. A join could read the whole log.
  EXECUTE format('SELECT domain_id, seq, archived_at FROM stamped AS s
                   WHERE (SELECT true FROM %I.audit_log_entry AS e
                           WHERE e.domain_id = s.domain_id AND e.seq = s.seq AND s.archived_at >= e.recorded_at
                           LIMIT 1) IS NULL
                   LIMIT 1', TG_TABLE_SCHEMA)
    INTO refused;
  IF refused.seq IS NULL THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'INSERT on % is refused: the stamp has no row, or is older than its row', TG_TABLE_NAME
    USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
          CONSTRAINT = 'audit_archive_stamp_counts',
          DETAIL = format('domain_id %s, seq %s, archived_at %s', refused.domain_id, refused.seq, refused.archived_at),
          HINT = 'Only a program that has uploaded a row stamps it: audit archiver';
END
$$;

CREATE TRIGGER audit_archive_stamp_counts AFTER INSERT ON audit_archive_stamp
  REFERENCING NEW TABLE AS stamped FOR EACH STATEMENT EXECUTE FUNCTION audit_archive_stamp_counts();

CREATE FUNCTION audit_archive_watermark_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.domain_id = OLD.domain_id AND NEW.seq >= OLD.seq THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'UPDATE on % is refused: a watermark only grows', TG_TABLE_NAME
    USING ERRCODE = 'WO001', DETAIL = format('domain_id %s, seq %s to %s', OLD.domain_id, OLD.seq, NEW.seq),
          HINT = 'A watermark that is too high delays an archiver until it looks at the rows themselves.';
END
$$;

CREATE TRIGGER audit_archive_watermark_forward BEFORE UPDATE ON audit_archive_watermark
  FOR EACH ROW EXECUTE FUNCTION audit_archive_watermark_guard();
CREATE TRIGGER audit_archive_watermark_no_removal BEFORE DELETE OR TRUNCATE ON audit_archive_watermark
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal('A watermark stays for as long as its chain.');

-- The rows as they were before this migration, for people with psql. A stamp that does not count is left out.
CREATE VIEW audit_log_entry_archived AS
  SELECT e.domain_id, e.seq, e.generation, e.reason, e.recorded_at, e.subject_pseudonym, e.relation, e.object, e.relation_path,
    e.caveat_context, e.correlation_id, e.zedtoken, e.prev_hash, e.entry_hash, s.archived_at, s.archive_etag
  FROM audit_log_entry AS e
  LEFT JOIN audit_archive_stamp AS s ON s.domain_id = e.domain_id AND s.seq = e.seq AND s.archived_at >= e.recorded_at;

REVOKE ALL ON audit_archive_stamp, audit_archive_watermark, audit_log_entry_archived FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_archive_stamp_counts(), audit_archive_watermark_guard() FROM PUBLIC;

-- ---------------------------------------------------------------------------------------------------------------
-- Roles
-- ---------------------------------------------------------------------------------------------------------------

-- As it was (0001, 0003), without the columns that are gone.
CREATE OR REPLACE FUNCTION audit_grant_log() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  role_name text;
  privilege record;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['audit_writer', 'audit_reader', 'audit_archiver', 'audit_eraser'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
      EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN
          RAISE NOTICE 'role % was not created: % has no CREATEROLE', role_name, current_user
            USING HINT = 'Have an administrator create it, then run: SELECT audit_grant_roles()';
          CONTINUE;
      END;
    END IF;
    IF NOT has_schema_privilege(role_name, current_schema(), 'USAGE') THEN
      EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role_name);
    END IF;
  END LOOP;

  FOR privilege IN
    SELECT * FROM (VALUES
      ('audit_writer',   'SELECT',                 'audit_schema_migration'),
      ('audit_writer',   'SELECT, INSERT',         'audit_domain'),
      ('audit_writer',   'SELECT, INSERT',         'audit_log_entry'),
      ('audit_writer',   'SELECT, INSERT, UPDATE', 'audit_log_chain_head'),
      ('audit_writer',   'SELECT, INSERT, UPDATE', 'audit_subject_pii'),
      ('audit_writer',   'SELECT, INSERT',         'audit_entry_context'),
      ('audit_writer',   'SELECT, INSERT, UPDATE (acknowledged_at, acknowledge_reason)',
                                                   'audit_tamper_quarantine'),

      ('audit_reader',   'SELECT',                 'audit_schema_migration'),
      ('audit_reader',   'SELECT',                 'audit_domain'),
      ('audit_reader',   'SELECT',                 'audit_log_entry'),
      ('audit_reader',   'SELECT',                 'audit_log_chain_head'),
      ('audit_reader',   'SELECT',                 'audit_subject_pii'),
      ('audit_reader',   'SELECT',                 'audit_entry_context'),
      ('audit_reader',   'SELECT',                 'audit_tamper_quarantine'),

      ('audit_archiver', 'SELECT',                 'audit_schema_migration'),
      ('audit_archiver', 'SELECT',                 'audit_domain'),
      ('audit_archiver', 'SELECT',                 'audit_log_entry'),
      ('audit_archiver', 'SELECT',                 'audit_log_chain_head'),
      ('audit_archiver', 'SELECT, INSERT',         'audit_tamper_quarantine'),

      ('audit_eraser',   'SELECT',                 'audit_schema_migration'),
      ('audit_eraser',   'SELECT',                 'audit_domain'),
      ('audit_eraser',   'SELECT, INSERT',         'audit_log_entry'),
      ('audit_eraser',   'SELECT, INSERT, UPDATE', 'audit_log_chain_head'),
      ('audit_eraser',   'SELECT, INSERT, UPDATE, DELETE', 'audit_subject_pii'),
      ('audit_eraser',   'SELECT, INSERT, DELETE', 'audit_entry_context')
    ) AS t (grantee, privileges, relation)
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = grantee)
  LOOP
    EXECUTE format('GRANT %s ON %I TO %I', privilege.privileges, privilege.relation, privilege.grantee);
  END LOOP;

  -- The CHECKs call these in the name of whoever inserts.
  FOR privilege IN
    SELECT f.signature, r.rolname AS grantee
      FROM (VALUES ('audit_array_plain(text[], integer)'),
                   ('audit_item_bytes(text[], integer, integer)'),
                   ('audit_each_item_bytes(text[], integer, integer)'),
                   ('audit_caveat_names(text[])'),
                   ('audit_each_caveat_name(text[])'),
                   ('audit_caveat_sorted(text[])'),
                   ('audit_many_caveats_sorted(text[])')) AS f (signature)
     CROSS JOIN pg_roles AS r
     WHERE r.rolname IN ('audit_writer', 'audit_archiver', 'audit_eraser')
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', privilege.signature, privilege.grantee);
  END LOOP;
END
$$;

-- By its name one of the parts that audit_grant_roles() runs, and after those that create roles: the parts run by name.
CREATE FUNCTION audit_grant_part_stamp() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  privilege record;
BEGIN
  FOR privilege IN
    SELECT * FROM (VALUES
      ('audit_reader',   'SELECT',                 'audit_archive_watermark'),
      ('audit_reader',   'SELECT',                 'audit_log_entry_archived'),

      -- A restore runs as audit_writer.
      ('audit_writer',   'INSERT',                 'audit_archive_stamp'),
      ('audit_writer',   'SELECT',                 'audit_archive_watermark'),

      ('audit_archiver', 'INSERT',                 'audit_archive_stamp'),
      ('audit_archiver', 'SELECT, INSERT, UPDATE', 'audit_archive_watermark'),

      ('audit_signer',   'SELECT',                 'audit_archive_watermark')
    ) AS t (grantee, privileges, relation)
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = grantee)
  LOOP
    EXECUTE format('GRANT %s ON %I TO %I', privilege.privileges, privilege.relation, privilege.grantee);
  END LOOP;

  -- The stamps were columns of the log: who may read the log may read them.
  FOR privilege IN
    SELECT r.rolname AS grantee
      FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee
     WHERE c.oid = 'audit_log_entry'::regclass AND a.privilege_type = 'SELECT'
  LOOP
    EXECUTE format('GRANT SELECT ON audit_archive_stamp TO %I', privilege.grantee);
  END LOOP;

  -- Privileges on single columns go with those on the table.
  FOR privilege IN
    SELECT rolname AS grantee FROM pg_roles
     WHERE rolname IN ('audit_access', 'audit_archiver', 'audit_eraser', 'audit_reader', 'audit_revealer', 'audit_signer',
                       'audit_writer')
  LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit_log_entry, audit_archive_stamp FROM %I', privilege.grantee);
  END LOOP;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_log() SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION audit_grant_part_stamp() SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_grant_log(), audit_grant_part_stamp() FROM PUBLIC;

SELECT audit_grant_part_stamp();
