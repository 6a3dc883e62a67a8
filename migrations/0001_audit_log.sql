-- The audit log: chains, their heads, what is kept off the chains, and what verifiers found.
--
-- Every limit of the chain format stands here as a named CHECK, so that no client can store a row that the format
-- cannot hold; src/chain/limits.ts states the same limits and a test drives both with the same cases.
--
-- SQLSTATE WO001 ("write once"; classes I to Z are left to implementations by the SQL standard) is raised by the
-- triggers below. They stop accidents and slow an attacker; the hash chain is what convicts one.
--
-- Runs on PostgreSQL 14 to 18. Names are unqualified: everything goes into the first schema of the search_path.
-- SQL function bodies are of the parsed kind (RETURN, BEGIN ATOMIC): names in them are bound once, here, so a
-- caller's search_path cannot redirect them, and the short ones are still inlined into the CHECKs (a SET clause
-- would prevent that).

DO $$
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'the audit log needs a database with encoding UTF8, this one has %',
      current_setting('server_encoding')
      USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'Rows are hashed as UTF-8 bytes; any other encoding would hash other bytes.',
            HINT = 'Create one with: CREATE DATABASE audit ENCODING ''UTF8'' TEMPLATE template0';
  END IF;
END
$$;

CREATE TABLE audit_schema_migration (
  version    integer     PRIMARY KEY,
  name       text        NOT NULL,
  sha256     bytea       NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT audit_schema_migration_version_positive CHECK (version >= 1),
  CONSTRAINT audit_schema_migration_sha256_bytes CHECK (octet_length(sha256) = 32)
);

-- ---------------------------------------------------------------------------------------------------------------
-- Predicates of the CHECKs
-- ---------------------------------------------------------------------------------------------------------------

-- Most arrays are empty or small, so each predicate answers for those in an expression that is inlined, and asks a
-- function that loops only for the rest: measured on rows with three path items and two caveats, all CHECKs together
-- cost 4 us a row this way and 28 us with the loops alone (1.2 us with empty arrays). The ones over array_to_string
-- are STABLE as that is; an IMMUTABLE one would not be inlined.

CREATE FUNCTION audit_array_plain(items text[], max_items integer) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE
    WHEN cardinality(items) = 0 THEN true
    WHEN array_ndims(items) <> 1 OR array_lower(items, 1) <> 1 OR cardinality(items) > max_items THEN false
    ELSE array_position(items, NULL) IS NULL
  END;
COMMENT ON FUNCTION audit_array_plain IS
  'Empty, or one dimension from 1 on with at most max_items elements and none of them NULL.';

CREATE FUNCTION audit_each_item_bytes(items text[], min_bytes integer, max_bytes integer) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT coalesce(bool_and(coalesce(octet_length(item) BETWEEN min_bytes AND max_bytes, false)), true)
    FROM unnest(items) AS item;
END;
COMMENT ON FUNCTION audit_each_item_bytes IS 'The loop of audit_item_bytes.';

CREATE FUNCTION audit_item_bytes(items text[], min_bytes integer, max_bytes integer) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN CASE
    WHEN cardinality(items) = 0 THEN true
    WHEN array_ndims(items) <> 1 THEN false
    -- All together are no longer than one may be.
    WHEN octet_length(array_to_string(items, '')) <= max_bytes THEN
      min_bytes = 0 OR array_position(items, '' COLLATE "C") IS NULL
    ELSE audit_each_item_bytes(items, min_bytes, max_bytes)
  END;
COMMENT ON FUNCTION audit_item_bytes IS
  'Each element is of min_bytes (0 or 1) to max_bytes bytes of UTF-8.';

-- [A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})? with the bounds as lengths: a counted regex costs 5 us.
CREATE FUNCTION audit_each_caveat_name(items text[]) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT coalesce(bool_and(coalesce(
      item COLLATE "C" ~ '^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?$'
      AND octet_length(split_part(item, '.', 1)) <= 63 AND octet_length(split_part(item, '.', 2)) <= 63,
      false)), true)
    FROM unnest(items) AS item;
END;
COMMENT ON FUNCTION audit_each_caveat_name IS 'The loop of audit_caveat_names.';

CREATE FUNCTION audit_caveat_names(items text[]) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN CASE
    WHEN cardinality(items) = 0 THEN true
    -- No part can be too long. As many commas as were joined with: none is inside an element.
    WHEN octet_length(array_to_string(items, ',')) <= 63 THEN
      array_to_string(items, ',') COLLATE "C" ~
        '^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?(?:,[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?)*$'
      AND octet_length(array_to_string(items, ','))
        - octet_length(replace(array_to_string(items, ','), ',', '')) = cardinality(items) - 1
    ELSE audit_each_caveat_name(items)
  END;
COMMENT ON FUNCTION audit_caveat_names IS
  'Each element is name or name.parameter: the form has no room for a bound value.';

CREATE FUNCTION audit_many_caveats_sorted(items text[]) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT items = ARRAY(SELECT DISTINCT item COLLATE "C" FROM unnest(items) AS item ORDER BY 1);
END;
COMMENT ON FUNCTION audit_many_caveats_sorted IS 'The sort of audit_caveat_sorted.';

CREATE FUNCTION audit_caveat_sorted(items text[]) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE cardinality(items)
    WHEN 0 THEN true
    WHEN 1 THEN true
    WHEN 2 THEN items[1] COLLATE "C" < items[2]
    WHEN 3 THEN items[1] COLLATE "C" < items[2] AND items[2] COLLATE "C" < items[3]
    ELSE audit_many_caveats_sorted(items)
  END;
COMMENT ON FUNCTION audit_caveat_sorted IS 'Ascending by bytes, without duplicates.';

-- ---------------------------------------------------------------------------------------------------------------
-- Tables. Texts are COLLATE "C": equality and order by bytes, whatever the locale of the database.
-- ---------------------------------------------------------------------------------------------------------------

CREATE TABLE audit_domain (
  domain_id  uuid        PRIMARY KEY,
  name       text        NOT NULL DEFAULT '',
  mirror_url text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT audit_domain_not_nil CHECK (domain_id <> '00000000-0000-0000-0000-000000000000')
);

CREATE TABLE audit_log_entry (
  domain_id         uuid                  NOT NULL,
  seq               bigint                NOT NULL,
  generation        smallint              NOT NULL DEFAULT 1,
  reason            smallint              NOT NULL,
  recorded_at       timestamptz           NOT NULL,
  subject_pseudonym bytea                 NOT NULL,
  relation          text     COLLATE "C"  NOT NULL,
  object            text     COLLATE "C"  NOT NULL,
  relation_path     text[]   COLLATE "C"  NOT NULL DEFAULT '{}',
  caveat_context    text[]   COLLATE "C"  NOT NULL DEFAULT '{}',
  correlation_id    text     COLLATE "C"  NOT NULL DEFAULT '',
  zedtoken          text     COLLATE "C"  NOT NULL DEFAULT '',
  prev_hash         bytea                 NOT NULL,
  entry_hash        bytea                 NOT NULL,
  archived_at       timestamptz,
  archive_etag      text     COLLATE "C",

  CONSTRAINT audit_log_entry_pkey PRIMARY KEY (domain_id, seq),
  -- With the lock of the append, the second of the two guards against a fork: no hash has two successors.
  CONSTRAINT audit_log_entry_no_fork UNIQUE (domain_id, prev_hash),

  CONSTRAINT audit_log_entry_domain_not_nil
    CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_log_entry_seq_range
    CHECK (seq BETWEEN 1 AND 9007199254740991),
  -- A new generation comes with the migration that widens this.
  CONSTRAINT audit_log_entry_generation_known
    CHECK (generation = 1),
  CONSTRAINT audit_log_entry_reason_range
    CHECK (reason BETWEEN 1 AND 4),
  -- Also refuses both infinities.
  CONSTRAINT audit_log_entry_recorded_at_range
    CHECK (recorded_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'),
  CONSTRAINT audit_log_entry_subject_pseudonym_bytes
    CHECK (octet_length(subject_pseudonym) = 32),
  CONSTRAINT audit_log_entry_relation_bytes
    CHECK (octet_length(relation) BETWEEN 1 AND 128),
  -- [a-z][a-z0-9_/-]{0,63}: the bound of 63 is that on the colon's place, which costs less than a counted regex.
  CONSTRAINT audit_log_entry_object_type
    CHECK (object ~ '^[a-z][a-z0-9_/-]*:' AND strpos(object, ':') <= 65),
  CONSTRAINT audit_log_entry_object_id_bytes
    CHECK (octet_length(object) - strpos(object, ':') BETWEEN 1 AND 512),
  CONSTRAINT audit_log_entry_relation_path_array
    CHECK (audit_array_plain(relation_path, 64)),
  CONSTRAINT audit_log_entry_relation_path_bytes
    CHECK (audit_item_bytes(relation_path, 1, 512)),
  CONSTRAINT audit_log_entry_caveat_array
    CHECK (audit_array_plain(caveat_context, 64)),
  CONSTRAINT audit_log_entry_caveat_names_only
    CHECK (audit_caveat_names(caveat_context)),
  CONSTRAINT audit_log_entry_caveat_sorted
    CHECK (audit_caveat_sorted(caveat_context)),
  CONSTRAINT audit_log_entry_correlation_id_bytes
    CHECK (octet_length(correlation_id) <= 256),
  CONSTRAINT audit_log_entry_zedtoken_bytes
    CHECK (octet_length(zedtoken) <= 1024),
  CONSTRAINT audit_log_entry_prev_hash_bytes
    CHECK (octet_length(prev_hash) = 32),
  CONSTRAINT audit_log_entry_entry_hash_bytes
    CHECK (octet_length(entry_hash) = 32),
  CONSTRAINT audit_log_entry_genesis_prev_hash
    CHECK (seq <> 1 OR prev_hash = '\x0000000000000000000000000000000000000000000000000000000000000000')
);

CREATE TABLE audit_log_chain_head (
  domain_id uuid   PRIMARY KEY,
  next_seq  bigint NOT NULL,
  head_hash bytea  NOT NULL,
  CONSTRAINT audit_log_chain_head_domain_not_nil
    CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  -- One more than the last seq, so one more than its limit.
  CONSTRAINT audit_log_chain_head_next_seq_range CHECK (next_seq BETWEEN 1 AND 9007199254740992),
  CONSTRAINT audit_log_chain_head_head_hash_bytes CHECK (octet_length(head_hash) = 32)
);

-- Personal data of a subject: off the chain, so that it can be erased.
CREATE TABLE audit_subject_pii (
  domain_id         uuid               NOT NULL,
  subject_pseudonym bytea              NOT NULL,
  identity_id       uuid,
  subject_plaintext text   COLLATE "C",
  email_claim       text   COLLATE "C",
  source_ip         inet,
  idp_claim_names   text[] COLLATE "C" NOT NULL DEFAULT '{}',
  first_seen_at     timestamptz        NOT NULL DEFAULT now(),
  last_seen_at      timestamptz        NOT NULL DEFAULT now(),
  CONSTRAINT audit_subject_pii_pkey PRIMARY KEY (domain_id, subject_pseudonym),
  CONSTRAINT audit_subject_pii_domain_not_nil
    CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_subject_pii_subject_pseudonym_bytes CHECK (octet_length(subject_pseudonym) = 32),
  CONSTRAINT audit_subject_pii_subject_plaintext_bytes CHECK (octet_length(subject_plaintext) <= 512),
  CONSTRAINT audit_subject_pii_email_claim_bytes CHECK (octet_length(email_claim) <= 512),
  CONSTRAINT audit_subject_pii_idp_claim_names_array CHECK (audit_array_plain(idp_claim_names, 64)),
  CONSTRAINT audit_subject_pii_idp_claim_names_bytes CHECK (audit_item_bytes(idp_claim_names, 0, 128))
);

-- Circumstances of one row: off the chain, so that they can be erased.
CREATE TABLE audit_entry_context (
  domain_id  uuid             NOT NULL,
  seq        bigint           NOT NULL,
  ip         inet,
  user_agent text COLLATE "C",
  -- json, not jsonb: jsonb writes numbers out (1e300 becomes 301 digits) and adds blanks, so that the limit in
  -- bytes would not be the one that the input was measured by.
  metadata   json,
  CONSTRAINT audit_entry_context_pkey PRIMARY KEY (domain_id, seq),
  CONSTRAINT audit_entry_context_domain_not_nil
    CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_entry_context_seq_range CHECK (seq BETWEEN 1 AND 9007199254740991),
  CONSTRAINT audit_entry_context_user_agent_bytes CHECK (octet_length(user_agent) <= 1024),
  CONSTRAINT audit_entry_context_metadata_bytes CHECK (octet_length(metadata::text) <= 16384),
  -- A backslash-u0000 that an even number of backslashes precedes, so that it is not itself escaped.
  CONSTRAINT audit_entry_context_metadata_no_nul
    CHECK (strpos(metadata::text, '\u0000') = 0 OR metadata::text !~ '(?:^|[^\\])(?:\\\\)*\\u0000'),
  CONSTRAINT audit_entry_context_metadata_object CHECK (json_typeof(metadata) = 'object')
);

-- What verifiers found. Outside the live chain, so that recording damage never adds to it.
CREATE TABLE audit_tamper_quarantine (
  id                 bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  domain_id          uuid             NOT NULL,
  divergent_seq      bigint           NOT NULL,
  code               text COLLATE "C" NOT NULL,
  seq_from           bigint           NOT NULL,
  seq_to             bigint           NOT NULL,
  expected_hash      bytea,
  observed_hash      bytea,
  source             text COLLATE "C" NOT NULL,
  detail             text             NOT NULL DEFAULT '',
  detected_at        timestamptz      NOT NULL DEFAULT now(),
  acknowledged_at    timestamptz,
  acknowledge_reason text,
  CONSTRAINT audit_tamper_quarantine_domain_not_nil
    CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_tamper_quarantine_expected_hash_bytes CHECK (octet_length(expected_hash) = 32),
  CONSTRAINT audit_tamper_quarantine_observed_hash_bytes CHECK (octet_length(observed_hash) = 32),
  CONSTRAINT audit_tamper_quarantine_acknowledged_whole
    CHECK ((acknowledged_at IS NULL) = (acknowledge_reason IS NULL))
);

-- One row a finding, however often verify runs. Not NULLS NOT DISTINCT, which PostgreSQL 14 lacks.
CREATE UNIQUE INDEX audit_tamper_quarantine_once ON audit_tamper_quarantine (
  domain_id, source, code, seq_from, seq_to, coalesce(expected_hash, ''), coalesce(observed_hash, '')
);

-- ---------------------------------------------------------------------------------------------------------------
-- Indexes for the filters of a list: a page of one chain, ascending by seq, whatever the value's frequency.
-- ---------------------------------------------------------------------------------------------------------------

CREATE INDEX audit_log_entry_by_subject ON audit_log_entry (domain_id, subject_pseudonym, seq);
CREATE INDEX audit_log_entry_by_relation ON audit_log_entry (domain_id, relation, seq);
CREATE INDEX audit_log_entry_by_object ON audit_log_entry (domain_id, object, seq);
CREATE INDEX audit_log_entry_by_object_type ON audit_log_entry (domain_id, split_part(object, ':', 1), seq);
CREATE INDEX audit_log_entry_by_object_id
  ON audit_log_entry (domain_id, substr(object, strpos(object, ':') + 1), seq);
CREATE INDEX audit_log_entry_by_reason ON audit_log_entry (domain_id, reason, seq);
CREATE INDEX audit_log_entry_by_correlation ON audit_log_entry (domain_id, correlation_id, seq)
  WHERE correlation_id <> '';
-- Turns a time range into a seq range: recorded_at never runs backwards on a chain.
CREATE INDEX audit_log_entry_by_time ON audit_log_entry (domain_id, recorded_at, seq);
CREATE INDEX audit_log_entry_unarchived ON audit_log_entry (domain_id, seq) WHERE archived_at IS NULL;
CREATE INDEX audit_subject_pii_by_identity ON audit_subject_pii (domain_id, identity_id)
  WHERE identity_id IS NOT NULL;

-- ---------------------------------------------------------------------------------------------------------------
-- Write-once triggers
-- ---------------------------------------------------------------------------------------------------------------

-- Row comparisons are by image (*=): equal bytes, not merely equal values.

CREATE FUNCTION audit_refuse_removal() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused: the audit log is write-once', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'WO001', HINT = TG_ARGV[0];
END
$$;

CREATE FUNCTION audit_log_entry_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before CONSTANT record := OLD;
BEGIN
  -- The stamps that were empty may be filled; put back, they must leave the row as it was.
  OLD.archived_at := coalesce(OLD.archived_at, NEW.archived_at);
  OLD.archive_etag := coalesce(OLD.archive_etag, NEW.archive_etag);
  IF NEW *= OLD AND NOT NEW *= before THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'UPDATE on % is refused: the audit log is write-once', TG_TABLE_NAME
    USING ERRCODE = 'WO001',
          DETAIL = format('domain_id %s, seq %s', before.domain_id, before.seq),
          HINT = 'Only an empty archived_at or archive_etag can be set, once. To correct an entry, append another.';
END
$$;

CREATE FUNCTION audit_log_chain_head_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.domain_id = OLD.domain_id AND NEW.next_seq > OLD.next_seq OR NEW *= OLD THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'UPDATE on % is refused: a chain head only moves forward', TG_TABLE_NAME
    USING ERRCODE = 'WO001',
          DETAIL = format('domain_id %s, next_seq %s to %s', OLD.domain_id, OLD.next_seq, NEW.next_seq),
          HINT = 'Append rows; the head follows them.';
END
$$;

CREATE FUNCTION audit_tamper_quarantine_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before CONSTANT record := OLD;
BEGIN
  OLD.acknowledged_at := coalesce(OLD.acknowledged_at, NEW.acknowledged_at);
  OLD.acknowledge_reason := coalesce(OLD.acknowledge_reason, NEW.acknowledge_reason);
  IF NEW *= OLD AND NOT NEW *= before THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'UPDATE on % is refused: a finding is write-once', TG_TABLE_NAME
    USING ERRCODE = 'WO001',
          DETAIL = format('id %s', before.id),
          HINT = 'A finding can only be acknowledged, once: audit quarantine acknowledge ID --reason ...';
END
$$;

CREATE TRIGGER audit_log_entry_write_once BEFORE UPDATE ON audit_log_entry
  FOR EACH ROW EXECUTE FUNCTION audit_log_entry_guard();
CREATE TRIGGER audit_log_entry_no_removal BEFORE DELETE OR TRUNCATE ON audit_log_entry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal(
    'Entries are kept for ever. To correct one, append another; to erase a person, use: audit erase-identity');

-- The name is for people. Where the mirror is stands on the platform chain too, and a verify compares the two.
CREATE FUNCTION audit_domain_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.domain_id = OLD.domain_id AND NEW.created_at = OLD.created_at
    AND NEW.mirror_url IS NOT DISTINCT FROM OLD.mirror_url THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'UPDATE on % is refused: only the name of a Domain can be changed', TG_TABLE_NAME
    USING ERRCODE = 'WO001', DETAIL = format('domain_id %s', OLD.domain_id);
END
$$;

-- No hash covers a context, so this is all that keeps it as it was written; it can be erased, never edited.
CREATE FUNCTION audit_entry_context_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'UPDATE on % is refused: a context is written once, and erased whole', TG_TABLE_NAME
    USING ERRCODE = 'WO001', DETAIL = format('domain_id %s, seq %s', OLD.domain_id, OLD.seq);
END
$$;

CREATE TRIGGER audit_domain_write_once BEFORE UPDATE ON audit_domain
  FOR EACH ROW EXECUTE FUNCTION audit_domain_guard();
CREATE TRIGGER audit_entry_context_write_once BEFORE UPDATE ON audit_entry_context
  FOR EACH ROW EXECUTE FUNCTION audit_entry_context_guard();

CREATE TRIGGER audit_domain_no_removal BEFORE DELETE OR TRUNCATE ON audit_domain
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal('A Domain stays for as long as its chain.');

CREATE TRIGGER audit_log_chain_head_forward BEFORE UPDATE ON audit_log_chain_head
  FOR EACH ROW EXECUTE FUNCTION audit_log_chain_head_guard();
CREATE TRIGGER audit_log_chain_head_no_removal BEFORE DELETE OR TRUNCATE ON audit_log_chain_head
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal('A chain head stays for as long as its chain.');

CREATE TRIGGER audit_tamper_quarantine_write_once BEFORE UPDATE ON audit_tamper_quarantine
  FOR EACH ROW EXECUTE FUNCTION audit_tamper_quarantine_guard();
CREATE TRIGGER audit_tamper_quarantine_no_removal BEFORE DELETE OR TRUNCATE ON audit_tamper_quarantine
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal(
    'Findings are kept. To mark one as handled, use: audit quarantine acknowledge ID --reason ...');

-- ---------------------------------------------------------------------------------------------------------------
-- Roles. PUBLIC gets nothing; grant one of these to whoever logs in.
-- ---------------------------------------------------------------------------------------------------------------

-- Roles belong to the whole cluster: other databases may be creating them at this moment, and whoever migrates may
-- not be allowed to. A function, so that an administrator can run it again once the roles exist.
CREATE FUNCTION audit_grant_roles() RETURNS void
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
      ('audit_archiver', 'SELECT, UPDATE (archived_at, archive_etag)', 'audit_log_entry'),
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

DO $$
DECLARE
  signature regprocedure;
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_roles() SET search_path = %I, pg_temp', current_schema());
  FOR signature IN
    SELECT oid FROM pg_proc
     WHERE pronamespace = current_schema()::regnamespace
       AND proname IN ('audit_array_plain', 'audit_item_bytes', 'audit_each_item_bytes', 'audit_caveat_names',
                       'audit_each_caveat_name', 'audit_caveat_sorted', 'audit_many_caveats_sorted',
                       'audit_refuse_removal', 'audit_log_entry_guard', 'audit_log_chain_head_guard',
                       'audit_tamper_quarantine_guard', 'audit_domain_guard', 'audit_entry_context_guard',
                       'audit_grant_roles')
  LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
  END LOOP;
END
$$;

REVOKE ALL ON audit_schema_migration, audit_domain, audit_log_entry, audit_log_chain_head, audit_subject_pii,
  audit_entry_context, audit_tamper_quarantine FROM PUBLIC;

SELECT audit_grant_roles();
