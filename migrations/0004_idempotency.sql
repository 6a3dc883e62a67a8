-- Idempotency keys: which row of a chain was first written under a key, and an HMAC of what it was asked to say.
--
-- Beside the chain and not of it: a key is forgotten when its window has passed, and when its subject is erased.
-- Runs on PostgreSQL 14 to 18, names unqualified, as 0001.

CREATE TABLE audit_idempotency_key (
  domain_id         uuid        NOT NULL,
  key               uuid        NOT NULL,
  -- HMAC-SHA256 by the Domain's pepper: a plain hash of personal data could be guessed, and would outlive an erasure.
  fingerprint       bytea       NOT NULL,
  -- Of the row that the key first wrote; an append with the key again gets that row as its result.
  seq               bigint      NOT NULL,
  -- Of that row, so that erasing a subject finds the keys of its rows.
  subject_pseudonym bytea       NOT NULL,
  created_at        timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT audit_idempotency_key_pkey PRIMARY KEY (domain_id, key),
  CONSTRAINT audit_idempotency_key_domain_not_nil
    CHECK (domain_id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT audit_idempotency_key_fingerprint_bytes CHECK (octet_length(fingerprint) = 32),
  CONSTRAINT audit_idempotency_key_seq_range CHECK (seq BETWEEN 1 AND 9007199254740991),
  CONSTRAINT audit_idempotency_key_subject_pseudonym_bytes CHECK (octet_length(subject_pseudonym) = 32)
);

CREATE INDEX audit_idempotency_key_by_subject ON audit_idempotency_key (domain_id, subject_pseudonym);
CREATE INDEX audit_idempotency_key_by_age ON audit_idempotency_key (domain_id, created_at);

CREATE FUNCTION audit_idempotency_key_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'UPDATE on % is refused: a key is written once, and deleted whole', TG_TABLE_NAME
    USING ERRCODE = 'WO001', DETAIL = format('domain_id %s, seq %s', OLD.domain_id, OLD.seq);
END
$$;

CREATE TRIGGER audit_idempotency_key_write_once BEFORE UPDATE ON audit_idempotency_key
  FOR EACH ROW EXECUTE FUNCTION audit_idempotency_key_guard();

CREATE FUNCTION audit_grant_part_idempotency() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  privilege record;
BEGIN
  FOR privilege IN
    SELECT * FROM (VALUES
      -- An append forgets what has passed its window; an erasure what was of its subject.
      ('audit_writer', 'SELECT, INSERT, DELETE'),
      ('audit_eraser', 'SELECT, DELETE')
    ) AS t (grantee, privileges)
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = grantee)
  LOOP
    EXECUTE format('GRANT %s ON audit_idempotency_key TO %I', privilege.privileges, privilege.grantee);
  END LOOP;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_grant_part_idempotency() SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION audit_grant_part_idempotency(), audit_idempotency_key_guard() FROM PUBLIC;
REVOKE ALL ON audit_idempotency_key FROM PUBLIC;

SELECT audit_grant_part_idempotency();
