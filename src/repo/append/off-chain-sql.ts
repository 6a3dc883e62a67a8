import { EQ, IN_SEARCH_PATH, type TableNames } from './qualified-names.js'

/**
 * The condition on a row `r` that its subject is not blocked: nothing is kept about a blocked subject (docs/erasure.md).
 * Read under the chain's lock, so an erasure that blocks comes either before this append or after it.
 */
export function notBlocked(table: TableNames = IN_SEARCH_PATH): string {
  return `NOT EXISTS (SELECT FROM ${table('audit_subject_block')} b
    WHERE b.domain_id ${EQ} r.domain_id AND b.subject_pseudonym ${EQ} pg_catalog.decode(r.subject, 'hex'))`
}

/** Stores the rows of `given` as personal data. A field that a row does not have keeps its stored value. */
export function upsertSubjects(given: string, table: TableNames = IN_SEARCH_PATH): string {
  return `INSERT INTO ${table('audit_subject_pii')} AS p (domain_id, subject_pseudonym, identity_id, subject_plaintext,
      email_claim, source_ip, idp_claim_names, first_seen_at, last_seen_at)
    SELECT domain_id, pg_catalog.decode(subject, 'hex'), identity_id, plaintext, email, ip::pg_catalog.inet,
      claims::pg_catalog.text[], seen::pg_catalog.timestamptz, seen::pg_catalog.timestamptz FROM ${given}
    ON CONFLICT (domain_id, subject_pseudonym) DO UPDATE SET
      identity_id = coalesce(excluded.identity_id, p.identity_id),
      subject_plaintext = coalesce(excluded.subject_plaintext, p.subject_plaintext),
      email_claim = coalesce(excluded.email_claim, p.email_claim),
      source_ip = coalesce(excluded.source_ip, p.source_ip),
      idp_claim_names = CASE WHEN excluded.idp_claim_names ${EQ} '{}' THEN p.idp_claim_names
        ELSE excluded.idp_claim_names END,
      last_seen_at = greatest(excluded.last_seen_at, p.last_seen_at)
    RETURNING 1`
}

/** Stores the rows of `given` as contexts of requests. */
export function insertContexts(given: string, table: TableNames = IN_SEARCH_PATH): string {
  return `INSERT INTO ${table('audit_entry_context')} (domain_id, seq, ip, user_agent, metadata)
    SELECT domain_id, seq, ip::pg_catalog.inet, user_agent, metadata::pg_catalog.json FROM ${given}
    RETURNING 1`
}

/** Stores the rows of `given` as idempotency keys. */
export function insertKeys(given: string, table: TableNames = IN_SEARCH_PATH): string {
  return `INSERT INTO ${table('audit_idempotency_key')} (domain_id, key, fingerprint, seq, subject_pseudonym)
    SELECT domain_id, key, pg_catalog.decode(fingerprint, 'hex'), seq, pg_catalog.decode(subject, 'hex') FROM ${given}`
}
