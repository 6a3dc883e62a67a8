-- Indexes of the signer: the heads that it signed, and the tiles of the trees (docs/architecture.md, "Tree").
--
-- Both tables are in the database that they help to verify. So they prove nothing: a reader compares what it takes from
-- them with a signature or with a signed root. A forged row delays the signer, and a missing row costs time.

CREATE TABLE audit_checkpoint (
  domain_id    uuid             NOT NULL,
  incarnation  bigint           NOT NULL,
  size         bigint           NOT NULL,
  root         bytea            NOT NULL,
  -- The entry_hash of row `size`.
  entry_hash   bytea            NOT NULL,
  -- The checkpoint with its signature lines.
  note         text COLLATE "C" NOT NULL,
  -- The signed row of the platform chain with this head; NULL where no row had it when the head was inserted.
  platform_seq bigint,
  signed_at    timestamptz      NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT audit_checkpoint_pkey PRIMARY KEY (domain_id, incarnation, size),
  CONSTRAINT audit_checkpoint_domain_not_nil CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_checkpoint_incarnation_range CHECK (incarnation BETWEEN 1 AND 4294967295),
  CONSTRAINT audit_checkpoint_size_range CHECK (size BETWEEN 1 AND 9007199254740991),
  CONSTRAINT audit_checkpoint_root_bytes CHECK (octet_length(root) = 32),
  CONSTRAINT audit_checkpoint_entry_hash_bytes CHECK (octet_length(entry_hash) = 32),
  CONSTRAINT audit_checkpoint_note_bytes CHECK (octet_length(note) BETWEEN 1 AND 65536),
  CONSTRAINT audit_checkpoint_platform_seq_range CHECK (platform_seq BETWEEN 1 AND 9007199254740991),
  -- Also refuses both infinities.
  CONSTRAINT audit_checkpoint_signed_at_range
    CHECK (signed_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00')
);

-- Hash i of tile N at level L is the root of the leaves from (256N+i)*256^L on, 256^L of them. Only full tiles are stored.
CREATE TABLE audit_tlog_tile (
  domain_id   uuid     NOT NULL,
  incarnation bigint   NOT NULL,
  level       smallint NOT NULL,
  tile_index  bigint   NOT NULL,
  hashes      bytea    NOT NULL,
  CONSTRAINT audit_tlog_tile_pkey PRIMARY KEY (domain_id, incarnation, level, tile_index),
  CONSTRAINT audit_tlog_tile_domain_not_nil CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_tlog_tile_incarnation_range CHECK (incarnation BETWEEN 1 AND 4294967295),
  -- A full tile of level 6 has 2^56 leaves, which is more than a chain has rows.
  CONSTRAINT audit_tlog_tile_level_range CHECK (level BETWEEN 0 AND 5),
  CONSTRAINT audit_tlog_tile_tile_index_range CHECK (tile_index BETWEEN 0 AND 35184372088831),
  CONSTRAINT audit_tlog_tile_hashes_bytes CHECK (octet_length(hashes) = 8192)
);

-- Hashes do not compress. Trying costs time at each insert, and a reader of one hash would decompress all 256.
ALTER TABLE audit_tlog_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TRIGGER audit_checkpoint_write_once BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal('A signed head stays. The signer adds the next one.');
CREATE TRIGGER audit_tlog_tile_write_once BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_tlog_tile
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal('A full tile never changes.');

REVOKE ALL ON audit_checkpoint, audit_tlog_tile FROM PUBLIC;

-- ---------------------------------------------------------------------------------------------------------------
-- Roles. A process that appends must not be able to fill the index, and a process that uploads needs none of it. One
-- login may hold audit_archiver and audit_signer.
-- ---------------------------------------------------------------------------------------------------------------

-- By its name one of the parts that audit_grant_roles() runs.
CREATE FUNCTION audit_grant_part_signer() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  privilege record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_signer') THEN
    BEGIN
      CREATE ROLE audit_signer NOLOGIN;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE NOTICE 'role audit_signer was not created: % has no CREATEROLE', current_user
          USING HINT = 'Have an administrator create it, then run: SELECT audit_grant_roles()';
    END;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_signer')
    AND NOT has_schema_privilege('audit_signer', current_schema(), 'USAGE') THEN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO audit_signer', current_schema());
  END IF;

  FOR privilege IN
    SELECT * FROM (VALUES
      ('audit_reader', 'SELECT',         'audit_checkpoint'),
      ('audit_reader', 'SELECT',         'audit_tlog_tile'),
      ('audit_writer', 'SELECT',         'audit_checkpoint'),
      ('audit_writer', 'SELECT',         'audit_tlog_tile'),

      ('audit_signer', 'SELECT, INSERT', 'audit_checkpoint'),
      ('audit_signer', 'SELECT, INSERT', 'audit_tlog_tile'),
      ('audit_signer', 'SELECT, INSERT', 'audit_tamper_quarantine'),
      -- And what an append of signed rows takes.
      ('audit_signer', 'SELECT',         'audit_schema_migration'),
      ('audit_signer', 'SELECT',         'audit_domain'),
      ('audit_signer', 'SELECT',         'audit_restore'),
      ('audit_signer', 'SELECT, INSERT', 'audit_log_entry'),
      ('audit_signer', 'SELECT, UPDATE', 'audit_log_chain_head')
    ) AS t (grantee, privileges, relation)
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = grantee)
  LOOP
    EXECUTE format('GRANT %s ON %I TO %I', privilege.privileges, privilege.relation, privilege.grantee);
  END LOOP;

  -- The CHECKs call these in the name of whoever inserts a row.
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_signer') THEN
    GRANT EXECUTE ON FUNCTION audit_array_plain(text[], integer), audit_item_bytes(text[], integer, integer),
      audit_each_item_bytes(text[], integer, integer), audit_caveat_names(text[]), audit_each_caveat_name(text[]),
      audit_caveat_sorted(text[]), audit_many_caveats_sorted(text[]) TO audit_signer;
  END IF;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_part_signer() SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_grant_part_signer() FROM PUBLIC;

SELECT audit_grant_part_signer();
