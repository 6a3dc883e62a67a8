-- The event's own time as a column that a list can search, and the reasons for which somebody was identified.

-- ---------------------------------------------------------------------------------------------------------------
-- The event's own time
-- ---------------------------------------------------------------------------------------------------------------

-- Total: whatever the metadata hold, the answer is a time of the years 0001 to 9999 or NULL. An import writes the text
-- of the source there, and text that is no time must neither refuse the row nor stop this migration. The forms are those
-- of chain/timestamp.ts, with small letters and up to nine digits after the second; digits after the sixth are cut.
--
-- No text is cast to a time, because a cast depends on the settings of the session. The form of AWS, which ends with the
-- second and Z, is compared without a regular expression: one with groups costs 35 us a row.
CREATE FUNCTION audit_event_time(metadata json) RETURNS timestamptz
  LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  given text COLLATE "C";
  more text[];
  moment timestamptz;
BEGIN
  IF strpos(metadata::text, '"event_time"') = 0 THEN
    RETURN NULL;
  END IF;
  given := metadata ->> 'event_time';
  IF translate(left(given, 19), '123456789t', '000000000T') IS DISTINCT FROM '0000-00-00T00:00:00'
    OR substr(given, 12, 2) > '23' OR substr(given, 18, 2) > '59' THEN
    RETURN NULL;
  END IF;
  moment := make_timestamp(left(given, 4)::int, substr(given, 6, 2)::int, substr(given, 9, 2)::int,
    substr(given, 12, 2)::int, substr(given, 15, 2)::int, substr(given, 18, 2)::int) AT TIME ZONE 'UTC';
  IF substr(given, 20) NOT IN ('Z', 'z') THEN
    more := regexp_match(substr(given, 20),
      '^(?:\.([0-9]{1,6})[0-9]{0,3})?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))$');
    IF more IS NULL THEN
      RETURN NULL;
    END IF;
    moment := moment + rpad(coalesce(more[1], ''), 6, '0')::int * interval '1 microsecond'
      - coalesce((more[2] || '1')::int * (more[3]::int * 60 + more[4]::int), 0) * interval '1 minute';
  END IF;
  RETURN CASE WHEN moment BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00' THEN moment END;
EXCEPTION
  -- No such day, or an escape in the JSON that is no character.
  WHEN data_exception OR program_limit_exceeded THEN RETURN NULL;
END
$$;
COMMENT ON FUNCTION audit_event_time IS 'The time in the member event_time of metadata, or NULL.';

-- Generated, so that the column always says what the metadata say: no writer can set it, the rows that are there get it
-- by the rewrite of the table, and the trigger that makes a context write-once stays in force meanwhile. Measured: this
-- migration takes 27 s for 1,000,000 contexts on two busy cores, and appends and lists wait meanwhile.
ALTER TABLE audit_entry_context
  ADD COLUMN event_time timestamptz GENERATED ALWAYS AS (audit_event_time(metadata)) STORED;

CREATE INDEX audit_entry_context_by_event_time ON audit_entry_context (domain_id, event_time, seq)
  WHERE event_time IS NOT NULL;

-- ---------------------------------------------------------------------------------------------------------------
-- Who was identified, and why
-- ---------------------------------------------------------------------------------------------------------------

-- The reason of each row audit.identity-reveal. It is off the chain because it may name people, and a name on a chain
-- could never be erased. It goes when the person is erased, and when retention purges the mapping of the person.
CREATE TABLE audit_identity_reveal (
  domain_id         uuid             NOT NULL,
  -- The row that records the reveal.
  seq               bigint           NOT NULL,
  -- Whose data was shown.
  subject_pseudonym bytea            NOT NULL,
  reason            text COLLATE "C" NOT NULL,
  CONSTRAINT audit_identity_reveal_pkey PRIMARY KEY (domain_id, seq),
  CONSTRAINT audit_identity_reveal_domain_not_nil CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_identity_reveal_seq_range CHECK (seq BETWEEN 1 AND 9007199254740991),
  CONSTRAINT audit_identity_reveal_subject_pseudonym_bytes CHECK (octet_length(subject_pseudonym) = 32),
  CONSTRAINT audit_identity_reveal_reason_bytes CHECK (octet_length(reason) BETWEEN 1 AND 1024)
);

CREATE INDEX audit_identity_reveal_by_subject ON audit_identity_reveal (domain_id, subject_pseudonym);

CREATE FUNCTION audit_identity_reveal_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused: why a person was identified is written once', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'WO001', HINT = 'The reason goes when the person is erased: audit erase-identity';
END
$$;

CREATE TRIGGER audit_identity_reveal_write_once BEFORE UPDATE OR TRUNCATE ON audit_identity_reveal
  FOR EACH STATEMENT EXECUTE FUNCTION audit_identity_reveal_guard();

-- As the guards of 0005. A hold on an identity is found by the mappings, so these rows must go before the mapping.
CREATE FUNCTION audit_identity_reveal_hold_guard() RETURNS trigger
  LANGUAGE plpgsql AS $$
DECLARE
  hold bigint;
BEGIN
  SELECT h.id INTO hold
    FROM audit_held_subject h JOIN gone g ON g.domain_id = h.domain_id
   WHERE h.subject_pseudonym IS NULL OR h.subject_pseudonym = g.subject_pseudonym
   LIMIT 1;
  IF FOUND THEN
    PERFORM audit_refuse_held(hold, TG_TABLE_NAME);
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER audit_identity_reveal_held AFTER DELETE ON audit_identity_reveal
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION audit_identity_reveal_hold_guard();

-- ---------------------------------------------------------------------------------------------------------------
-- Roles. Who may read rows may not read names: that takes a role of its own.
-- ---------------------------------------------------------------------------------------------------------------

-- By its name one of the parts that audit_grant_roles() runs.
CREATE FUNCTION audit_grant_part_reveal() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  privilege record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_revealer') THEN
    BEGIN
      CREATE ROLE audit_revealer NOLOGIN;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE NOTICE 'role audit_revealer was not created: % has no CREATEROLE', current_user
          USING HINT = 'Have an administrator create it, then run: SELECT audit_grant_roles()';
    END;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_revealer')
    AND NOT has_schema_privilege('audit_revealer', current_schema(), 'USAGE') THEN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO audit_revealer', current_schema());
  END IF;

  -- audit_grant_log() gives the role all columns.
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_reader') THEN
    REVOKE SELECT ON audit_subject_pii FROM audit_reader;
  END IF;

  FOR privilege IN
    SELECT * FROM (VALUES
      ('audit_reader',   'SELECT (domain_id, subject_pseudonym, identity_id, first_seen_at, last_seen_at)',
                                                   'audit_subject_pii'),
      -- Not the reason: it may name people.
      ('audit_reader',   'SELECT (domain_id, seq, subject_pseudonym)',
                                                   'audit_identity_reveal'),
      ('audit_eraser',   'SELECT, DELETE',         'audit_identity_reveal'),

      ('audit_revealer', 'SELECT, INSERT',         'audit_identity_reveal'),
      ('audit_revealer', 'SELECT',                 'audit_entry_context'),
      -- And what an append takes: each reveal is a row.
      ('audit_revealer', 'SELECT',                 'audit_schema_migration'),
      ('audit_revealer', 'SELECT',                 'audit_domain'),
      ('audit_revealer', 'SELECT, INSERT',         'audit_log_entry'),
      ('audit_revealer', 'SELECT, INSERT, UPDATE', 'audit_log_chain_head'),
      ('audit_revealer', 'SELECT, INSERT, UPDATE', 'audit_subject_pii'),
      ('audit_revealer', 'SELECT',                 'audit_subject_block')
    ) AS t (grantee, privileges, relation)
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = grantee)
  LOOP
    EXECUTE format('GRANT %s ON %I TO %I', privilege.privileges, privilege.relation, privilege.grantee);
  END LOOP;

  -- Called in the name of whoever inserts a context, and the CHECKs in the name of whoever inserts a row.
  FOR privilege IN
    SELECT f.signature, r.rolname AS grantee
      FROM (VALUES ('audit_event_time(json)',                      ARRAY['audit_writer', 'audit_eraser', 'audit_access']),
                   ('audit_array_plain(text[], integer)',          ARRAY['audit_revealer']),
                   ('audit_item_bytes(text[], integer, integer)',  ARRAY['audit_revealer']),
                   ('audit_each_item_bytes(text[], integer, integer)', ARRAY['audit_revealer']),
                   ('audit_caveat_names(text[])',                  ARRAY['audit_revealer']),
                   ('audit_each_caveat_name(text[])',              ARRAY['audit_revealer']),
                   ('audit_caveat_sorted(text[])',                 ARRAY['audit_revealer']),
                   ('audit_many_caveats_sorted(text[])',           ARRAY['audit_revealer'])) AS f (signature, grantees)
      JOIN pg_roles AS r ON r.rolname = ANY (f.grantees)
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', privilege.signature, privilege.grantee);
  END LOOP;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_part_reveal() SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION audit_identity_reveal_hold_guard() SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_event_time(json), audit_identity_reveal_guard(), audit_identity_reveal_hold_guard(),
  audit_grant_part_reveal() FROM PUBLIC;
REVOKE ALL ON audit_identity_reveal FROM PUBLIC;

SELECT audit_grant_part_reveal();
