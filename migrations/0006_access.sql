-- Who may ask: API keys, relation tuples, and what a chain asks of those who erase on it.
--
-- None of it is on a chain, and none of it is evidence: the rows audit.key-create, audit.key-revoke, audit.relation-grant,
-- audit.relation-revoke and audit.access-policy of the chains are. Subjects stand here in plain: they are what a
-- credential is compared with.
--
-- Runs on PostgreSQL 14 to 18, names unqualified, as 0001.

-- The secret is 256 random bits, which nobody can guess at: a fast hash is enough, and a slow one would be paid for on
-- every request.
CREATE TABLE audit_api_key (
  id            bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key_id        text COLLATE "C" NOT NULL,
  domain_id     uuid             NOT NULL,
  -- user:<id> or service:<id>. Personal data: it goes when the key is revoked.
  subject       text COLLATE "C",
  -- What it was made with; what it may is what the relations of its subject say.
  relation      text COLLATE "C" NOT NULL,
  secret_sha256 bytea            NOT NULL,
  read_only     boolean          NOT NULL,
  owner_only    boolean          NOT NULL,
  created_at    timestamptz      NOT NULL DEFAULT clock_timestamp(),
  expires_at    timestamptz,
  revoked_at    timestamptz,
  -- To within a minute.
  last_used_at  timestamptz,
  CONSTRAINT audit_api_key_key_id_form CHECK (key_id ~ '^ak_[0-9a-f]{16}$'),
  CONSTRAINT audit_api_key_domain_not_nil CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_api_key_subject_form
    CHECK (subject ~ '^(?:user|service):' AND octet_length(subject) - strpos(subject, ':') BETWEEN 1 AND 512),
  CONSTRAINT audit_api_key_relation_known CHECK (relation IN ('owner', 'admin', 'auditor', 'member')),
  CONSTRAINT audit_api_key_secret_sha256_bytes CHECK (octet_length(secret_sha256) = 32),
  CONSTRAINT audit_api_key_revoked_forgets CHECK ((revoked_at IS NULL) = (subject IS NOT NULL))
);

CREATE UNIQUE INDEX audit_api_key_by_key_id ON audit_api_key (key_id);
CREATE INDEX audit_api_key_by_subject ON audit_api_key (subject) WHERE subject IS NOT NULL;

-- As in Zanzibar: subject has relation on object. A subject group:<id>#member is whoever has member on group:<id>.
CREATE TABLE audit_relation_tuple (
  id         bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  object     text COLLATE "C" NOT NULL,
  relation   text COLLATE "C" NOT NULL,
  subject    text COLLATE "C" NOT NULL,
  created_at timestamptz      NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT audit_relation_tuple_object_form CHECK (
    object = 'platform:platform'
    OR object ~ '^domain:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
    OR object ~ '^group:[A-Za-z0-9_.|/-]{1,128}$'
  ),
  CONSTRAINT audit_relation_tuple_relation_known CHECK (
    relation = 'member' OR relation IN ('owner', 'admin', 'auditor') AND object !~ '^group:'
  ),
  CONSTRAINT audit_relation_tuple_subject_form CHECK (
    subject ~ '^group:[A-Za-z0-9_.|/-]{1,128}#member$'
    OR subject ~ '^(?:user|service):' AND octet_length(subject) - strpos(subject, ':') BETWEEN 1 AND 512
  )
);

CREATE UNIQUE INDEX audit_relation_tuple_once ON audit_relation_tuple (object, relation, subject);
-- A check walks from the subject upwards.
CREATE INDEX audit_relation_tuple_by_subject ON audit_relation_tuple (subject, relation, object);

-- A chain without a row here asks for nothing.
CREATE TABLE audit_access_policy (
  domain_id        uuid        PRIMARY KEY,
  -- Erasing takes a key that an owner made for it.
  erase_owner_only boolean     NOT NULL,
  set_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT audit_access_policy_domain_not_nil CHECK (domain_id <> '00000000-0000-0000-0000-000000000000')
);

-- ---------------------------------------------------------------------------------------------------------------
-- Guards
-- ---------------------------------------------------------------------------------------------------------------

CREATE FUNCTION audit_api_key_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before CONSTANT record := OLD;
BEGIN
  IF before.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL THEN
    OLD.revoked_at := NEW.revoked_at;
    OLD.subject := NULL;
  END IF;
  OLD.last_used_at := NEW.last_used_at;
  IF NEW *= OLD THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'UPDATE on % is refused: a key can only be used and revoked', TG_TABLE_NAME
    USING ERRCODE = 'WO001', DETAIL = format('key %s', before.key_id),
          HINT = 'Make another key, and revoke this one: audit key revoke ID';
END
$$;

CREATE FUNCTION audit_relation_tuple_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'UPDATE on % is refused: a relation is granted and revoked', TG_TABLE_NAME
    USING ERRCODE = 'WO001', HINT = 'audit relation grant, audit relation revoke';
END
$$;

CREATE TRIGGER audit_api_key_write_once BEFORE UPDATE ON audit_api_key
  FOR EACH ROW EXECUTE FUNCTION audit_api_key_guard();
CREATE TRIGGER audit_api_key_no_removal BEFORE DELETE OR TRUNCATE ON audit_api_key
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal('To end a key, use: audit key revoke ID');
CREATE TRIGGER audit_relation_tuple_write_once BEFORE UPDATE ON audit_relation_tuple
  FOR EACH STATEMENT EXECUTE FUNCTION audit_relation_tuple_guard();
CREATE TRIGGER audit_access_policy_no_removal BEFORE DELETE OR TRUNCATE ON audit_access_policy
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal('Set another one: audit key policy');

-- ---------------------------------------------------------------------------------------------------------------
-- Roles. Whoever may append must not be able to let themselves in: keys and relations have a role of their own.
-- ---------------------------------------------------------------------------------------------------------------

-- By its name one of the parts that audit_grant_roles() runs.
CREATE FUNCTION audit_grant_part_access() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  privilege record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_access') THEN
    BEGIN
      CREATE ROLE audit_access NOLOGIN;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE NOTICE 'role audit_access was not created: % has no CREATEROLE', current_user
          USING HINT = 'Have an administrator create it, then run: SELECT audit_grant_roles()';
    END;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_access')
    AND NOT has_schema_privilege('audit_access', current_schema(), 'USAGE') THEN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO audit_access', current_schema());
  END IF;

  FOR privilege IN
    SELECT * FROM (VALUES
      -- The server, which also writes rows of what it denied.
      ('audit_writer', 'SELECT, UPDATE (last_used_at)',  'audit_api_key'),
      ('audit_writer', 'SELECT',                         'audit_relation_tuple'),
      ('audit_writer', 'SELECT',                         'audit_access_policy'),

      ('audit_reader', 'SELECT',                         'audit_api_key'),
      ('audit_reader', 'SELECT',                         'audit_relation_tuple'),
      ('audit_reader', 'SELECT',                         'audit_access_policy'),

      -- To tell what of a person remains.
      ('audit_eraser', 'SELECT',                         'audit_api_key'),
      ('audit_eraser', 'SELECT',                         'audit_relation_tuple'),

      ('audit_access', 'SELECT, INSERT, UPDATE (revoked_at, subject)', 'audit_api_key'),
      ('audit_access', 'SELECT, INSERT, DELETE',         'audit_relation_tuple'),
      ('audit_access', 'SELECT, INSERT, UPDATE',         'audit_access_policy'),
      -- And what an append takes: each of these deeds is a row.
      ('audit_access', 'SELECT',                         'audit_schema_migration'),
      ('audit_access', 'SELECT',                         'audit_domain'),
      ('audit_access', 'SELECT, INSERT',                 'audit_log_entry'),
      ('audit_access', 'SELECT, INSERT, UPDATE',         'audit_log_chain_head'),
      ('audit_access', 'SELECT, INSERT, UPDATE',         'audit_subject_pii'),
      ('audit_access', 'SELECT',                         'audit_subject_block'),
      ('audit_access', 'SELECT, INSERT',                 'audit_entry_context')
    ) AS t (grantee, privileges, relation)
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = grantee)
  LOOP
    EXECUTE format('GRANT %s ON %I TO %I', privilege.privileges, privilege.relation, privilege.grantee);
  END LOOP;

  FOR privilege IN
    SELECT signature
      FROM (VALUES ('audit_array_plain(text[], integer)'),
                   ('audit_item_bytes(text[], integer, integer)'),
                   ('audit_each_item_bytes(text[], integer, integer)'),
                   ('audit_caveat_names(text[])'),
                   ('audit_each_caveat_name(text[])'),
                   ('audit_caveat_sorted(text[])'),
                   ('audit_many_caveats_sorted(text[])')) AS f (signature)
     WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_access')
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO audit_access', privilege.signature);
  END LOOP;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_part_access() SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_grant_part_access(), audit_api_key_guard(), audit_relation_tuple_guard()
  FROM PUBLIC;
REVOKE ALL ON audit_api_key, audit_relation_tuple, audit_access_policy FROM PUBLIC;

SELECT audit_grant_part_access();
