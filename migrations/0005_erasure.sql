-- Forgetting people: legal holds that forbid it, blocks that make it last, and how long personal data is kept.
--
-- SQLSTATE WO002 ("on legal hold") is raised by the guards below. The program asks for holds under the chain's lock and
-- refuses first; the guards are for everybody else who may delete.

-- ---------------------------------------------------------------------------------------------------------------
-- Tables
-- ---------------------------------------------------------------------------------------------------------------

-- What must not be erased or purged, and why. Released, never removed.
CREATE TABLE audit_legal_hold (
  id                bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  domain_id         uuid             NOT NULL,
  -- NULL: the whole chain.
  subject_pseudonym bytea,
  -- Covers every subject that a mapping says to be this identity. Personal data itself, so it goes with the release.
  identity_id       uuid,
  reason            text COLLATE "C" NOT NULL,
  placed_at         timestamptz      NOT NULL DEFAULT clock_timestamp(),
  released_at       timestamptz,
  release_reason    text COLLATE "C",
  CONSTRAINT audit_legal_hold_domain_not_nil
    CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_legal_hold_subject_pseudonym_bytes CHECK (octet_length(subject_pseudonym) = 32),
  CONSTRAINT audit_legal_hold_identity_of_subject CHECK (identity_id IS NULL OR subject_pseudonym IS NOT NULL),
  CONSTRAINT audit_legal_hold_reason_bytes
    CHECK (octet_length(reason) BETWEEN CASE WHEN released_at IS NULL THEN 1 ELSE 0 END AND 1024),
  CONSTRAINT audit_legal_hold_release_reason_bytes CHECK (octet_length(release_reason) <= 1024),
  CONSTRAINT audit_legal_hold_released_whole
    CHECK ((released_at IS NULL) = (release_reason IS NULL) AND (released_at IS NULL OR identity_id IS NULL))
);

CREATE INDEX audit_legal_hold_in_force ON audit_legal_hold (domain_id) WHERE released_at IS NULL;

-- Subjects of whom append keeps no personal data any more, for good.
CREATE TABLE audit_subject_block (
  domain_id         uuid        NOT NULL,
  subject_pseudonym bytea       NOT NULL,
  blocked_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT audit_subject_block_pkey PRIMARY KEY (domain_id, subject_pseudonym),
  CONSTRAINT audit_subject_block_domain_not_nil
    CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_subject_block_subject_pseudonym_bytes CHECK (octet_length(subject_pseudonym) = 32)
);

-- A chain without a row here has the defaults: 7 years, 365 days.
CREATE TABLE audit_retention_policy (
  domain_id     uuid        PRIMARY KEY,
  -- No row of a chain is ever deleted. This is the floor that Object Lock dates are set from.
  chain_years   integer     NOT NULL,
  personal_days integer     NOT NULL,
  set_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT audit_retention_policy_domain_not_nil
    CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_retention_policy_chain_years_range CHECK (chain_years BETWEEN 7 AND 100),
  CONSTRAINT audit_retention_policy_personal_days_range CHECK (personal_days BETWEEN 1 AND 36500)
);

-- ---------------------------------------------------------------------------------------------------------------
-- Guards
-- ---------------------------------------------------------------------------------------------------------------

CREATE FUNCTION audit_legal_hold_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before CONSTANT record := OLD;
BEGIN
  -- Once released, what was said of the person can be blanked.
  IF before.released_at IS NOT NULL THEN
    OLD.reason := CASE WHEN NEW.reason = '' THEN '' ELSE OLD.reason END;
    OLD.release_reason := CASE WHEN NEW.release_reason = '' THEN '' ELSE OLD.release_reason END;
  ELSIF NEW.released_at IS NOT NULL THEN
    OLD.released_at := NEW.released_at;
    OLD.release_reason := NEW.release_reason;
    OLD.identity_id := NULL;
  END IF;
  IF NEW *= OLD THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'UPDATE on % is refused: a legal hold can only be released', TG_TABLE_NAME
    USING ERRCODE = 'WO001', DETAIL = format('id %s', before.id),
          HINT = 'audit hold release ID --reason ...';
END
$$;

CREATE TRIGGER audit_legal_hold_write_once BEFORE UPDATE ON audit_legal_hold
  FOR EACH ROW EXECUTE FUNCTION audit_legal_hold_guard();
CREATE TRIGGER audit_legal_hold_no_removal BEFORE DELETE OR TRUNCATE ON audit_legal_hold
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal('To end a hold, use: audit hold release ID --reason ...');
CREATE TRIGGER audit_subject_block_write_once BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_subject_block
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal('A block is for good.');
CREATE TRIGGER audit_retention_policy_no_removal BEFORE DELETE OR TRUNCATE ON audit_retention_policy
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_removal('Set another one: audit retention set');

CREATE FUNCTION audit_refuse_held(hold bigint, relation name) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'removal from % is refused: legal hold % covers it', relation, hold
    USING ERRCODE = 'WO002', HINT = 'audit hold list --all; audit hold release ID --reason ...';
END
$$;

-- Statement triggers over what went: 100,000 rows cost one query. Their search_path is set below, to this schema.

-- The holds in force with each pseudonym that they cover; NULL: the whole chain.
CREATE VIEW audit_held_subject AS
  SELECT id, domain_id, subject_pseudonym FROM audit_legal_hold WHERE released_at IS NULL
  UNION ALL
  SELECT h.id, h.domain_id, p.subject_pseudonym
    FROM audit_legal_hold h
    JOIN audit_subject_pii p ON p.domain_id = h.domain_id AND p.identity_id = h.identity_id
   WHERE h.released_at IS NULL;

CREATE FUNCTION audit_subject_pii_hold_guard() RETURNS trigger
  LANGUAGE plpgsql AS $$
DECLARE
  hold bigint;
BEGIN
  -- The mappings have gone from the view by now: an identity is looked for in what went.
  SELECT h.id INTO hold
    FROM audit_legal_hold h JOIN gone g ON g.domain_id = h.domain_id
   WHERE h.released_at IS NULL
     AND (h.subject_pseudonym IS NULL OR h.subject_pseudonym = g.subject_pseudonym OR h.identity_id = g.identity_id)
   LIMIT 1;
  IF FOUND THEN
    PERFORM audit_refuse_held(hold, TG_TABLE_NAME);
  END IF;
  RETURN NULL;
END
$$;

CREATE FUNCTION audit_entry_context_hold_guard() RETURNS trigger
  LANGUAGE plpgsql AS $$
DECLARE
  hold bigint;
BEGIN
  SELECT h.id INTO hold
    FROM audit_legal_hold h JOIN gone g ON g.domain_id = h.domain_id
   WHERE h.released_at IS NULL AND h.subject_pseudonym IS NULL
   LIMIT 1;
  IF hold IS NULL AND EXISTS (SELECT FROM audit_legal_hold WHERE released_at IS NULL) THEN
    -- OFFSET 0 keeps the row of each context a probe of the primary key, whatever the planner believes of the sizes.
    SELECT h.id INTO hold
      FROM gone g
     CROSS JOIN LATERAL (SELECT subject_pseudonym FROM audit_log_entry e
                          WHERE e.domain_id = g.domain_id AND e.seq = g.seq OFFSET 0) AS e
      JOIN audit_held_subject h ON h.domain_id = g.domain_id AND h.subject_pseudonym = e.subject_pseudonym
     LIMIT 1;
  END IF;
  IF hold IS NOT NULL THEN
    PERFORM audit_refuse_held(hold, TG_TABLE_NAME);
  END IF;
  RETURN NULL;
END
$$;

CREATE FUNCTION audit_held_truncate_guard() RETURNS trigger
  LANGUAGE plpgsql AS $$
DECLARE
  hold bigint;
BEGIN
  SELECT id INTO hold FROM audit_legal_hold WHERE released_at IS NULL LIMIT 1;
  IF FOUND THEN
    PERFORM audit_refuse_held(hold, TG_TABLE_NAME);
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER audit_subject_pii_held AFTER DELETE ON audit_subject_pii
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION audit_subject_pii_hold_guard();
CREATE TRIGGER audit_entry_context_held AFTER DELETE ON audit_entry_context
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_context_hold_guard();
CREATE TRIGGER audit_subject_pii_held_truncate BEFORE TRUNCATE ON audit_subject_pii
  FOR EACH STATEMENT EXECUTE FUNCTION audit_held_truncate_guard();
CREATE TRIGGER audit_entry_context_held_truncate BEFORE TRUNCATE ON audit_entry_context
  FOR EACH STATEMENT EXECUTE FUNCTION audit_held_truncate_guard();

-- ---------------------------------------------------------------------------------------------------------------
-- Roles
-- ---------------------------------------------------------------------------------------------------------------

CREATE FUNCTION audit_grant_part_erasure() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  privilege record;
BEGIN
  FOR privilege IN
    SELECT * FROM (VALUES
      -- Append asks whose personal data it must drop.
      ('audit_writer', 'SELECT', 'audit_subject_block'),

      ('audit_reader', 'SELECT', 'audit_legal_hold'),
      ('audit_reader', 'SELECT', 'audit_held_subject'),
      ('audit_reader', 'SELECT', 'audit_subject_block'),
      ('audit_reader', 'SELECT', 'audit_retention_policy'),

      ('audit_eraser', 'SELECT, INSERT, UPDATE (released_at, release_reason, reason, identity_id)',
                                                         'audit_legal_hold'),
      ('audit_eraser', 'SELECT',                         'audit_held_subject'),
      ('audit_eraser', 'SELECT, INSERT',                 'audit_subject_block'),
      ('audit_eraser', 'SELECT, INSERT, UPDATE',         'audit_retention_policy')
    ) AS t (grantee, privileges, relation)
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = grantee)
  LOOP
    EXECUTE format('GRANT %s ON %I TO %I', privilege.privileges, privilege.relation, privilege.grantee);
  END LOOP;

  -- The guards call it in the name of whoever deletes.
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_eraser') THEN
    GRANT EXECUTE ON FUNCTION audit_refuse_held(bigint, name) TO audit_eraser;
  END IF;
END
$$;

DO $$
DECLARE
  signature regprocedure;
BEGIN
  FOR signature IN
    SELECT oid FROM pg_proc
     WHERE pronamespace = current_schema()::regnamespace
       AND proname IN ('audit_subject_pii_hold_guard', 'audit_entry_context_hold_guard', 'audit_held_truncate_guard',
                       'audit_grant_part_erasure')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', signature, current_schema());
  END LOOP;
  FOR signature IN
    SELECT oid FROM pg_proc
     WHERE pronamespace = current_schema()::regnamespace
       AND proname IN ('audit_legal_hold_guard', 'audit_refuse_held', 'audit_subject_pii_hold_guard',
                       'audit_entry_context_hold_guard', 'audit_held_truncate_guard',
                       'audit_grant_part_erasure')
  LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
  END LOOP;
END
$$;

REVOKE ALL ON audit_legal_hold, audit_subject_block, audit_retention_policy, audit_held_subject FROM PUBLIC;

SELECT audit_grant_part_erasure();
