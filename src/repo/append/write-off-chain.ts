import { formatTimestamp } from '../../chain/timestamp.js'
import type { SubjectPii } from '../../ports/append.js'
import type { Client } from '../session/database.js'
import type { OffChainWrites } from './append-ledger.js'
import type { PlacedRow } from './append-placement.js'
import { assertStored } from './assert-stored.js'
import { arrayLiteral } from './entry-columns.js'

/**
 * Nothing is kept about a blocked subject (docs/erasure.md). Read under the chain's lock, so an erasure that blocks comes
 * either before this append or after it.
 */
const NOT_BLOCKED = `NOT EXISTS (SELECT FROM audit_subject_block b
    WHERE b.domain_id = r.domain_id AND b.subject_pseudonym = decode(r.subject, 'hex'))`

/** A field that the row does not have keeps its stored value. */
const UPSERT_SUBJECTS = `
  WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
      AS r(domain_id, subject, identity_id, plaintext, email, ip, claims, seen)
    WHERE ${NOT_BLOCKED}
  ), stored AS (
    INSERT INTO audit_subject_pii AS p (domain_id, subject_pseudonym, identity_id, subject_plaintext, email_claim,
      source_ip, idp_claim_names, first_seen_at, last_seen_at)
    SELECT domain_id, decode(subject, 'hex'), identity_id, plaintext, email, ip::inet, claims::text[],
      seen::timestamptz, seen::timestamptz FROM given
    ON CONFLICT (domain_id, subject_pseudonym) DO UPDATE SET
      identity_id = coalesce(excluded.identity_id, p.identity_id),
      subject_plaintext = coalesce(excluded.subject_plaintext, p.subject_plaintext),
      email_claim = coalesce(excluded.email_claim, p.email_claim),
      source_ip = coalesce(excluded.source_ip, p.source_ip),
      idp_claim_names = CASE WHEN excluded.idp_claim_names = '{}' THEN p.idp_claim_names ELSE excluded.idp_claim_names END,
      last_seen_at = greatest(excluded.last_seen_at, p.last_seen_at)
    RETURNING 1
  )
  SELECT domain_id::text AS "domainId", subject, (SELECT count(*)::int FROM stored) AS stored FROM given`

/**
 * Writes personal data, one row for each subject and chain, and returns the subjects that are not blocked. A statement may
 * update a row only once, so the group is merged first.
 */
export async function writeSubjects(
  client: Client,
  rows: readonly PlacedRow[],
): Promise<OffChainWrites['subjects']> {
  const merged = new Map<string, PlacedRow>()
  for (const placed of rows) {
    if (placed.row.subject === undefined) continue
    const key = `${placed.entry.domainId}/${placed.entry.subjectPseudonym}`
    const subject = mergeSubjects(merged.get(key)?.row.subject, placed.row.subject)
    merged.set(key, { ...placed, row: { ...placed.row, subject } })
  }
  if (merged.size === 0) return []
  const subjects = [...merged.values()]
  const column = <T>(value: (row: PlacedRow) => T) => subjects.map(value)
  const values = [
    column(({ entry }) => entry.domainId),
    column(({ entry }) => entry.subjectPseudonym),
    column(({ row }) => row.subject?.identityId ?? null),
    column(({ row }) => row.subject?.plaintext ?? null),
    column(({ row }) => row.subject?.emailClaim ?? null),
    column(({ row }) => row.subject?.sourceIp ?? null),
    column(({ row }) => arrayLiteral(row.subject?.idpClaimNames ?? [])),
    column(({ entry }) => formatTimestamp(entry.recordedAt)),
  ]
  const { rows: given } = await client.query<{ domainId: string; subject: string; stored: number }>(
    UPSERT_SUBJECTS,
    values,
  )
  assertStored('audit_subject_pii', given[0]?.stored ?? 0, given.length)
  return given
}

/** Merges as the upsert does: a field that the later entry does not have keeps the earlier value. */
function mergeSubjects(earlier: SubjectPii | undefined, later: SubjectPii): SubjectPii {
  const claims = later.idpClaimNames ?? []
  return {
    identityId: later.identityId ?? earlier?.identityId,
    plaintext: later.plaintext ?? earlier?.plaintext,
    emailClaim: later.emailClaim ?? earlier?.emailClaim,
    sourceIp: later.sourceIp ?? earlier?.sourceIp,
    idpClaimNames: claims.length > 0 ? claims : earlier?.idpClaimNames,
  }
}

const INSERT_CONTEXTS = `
  WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])
      AS r(domain_id, seq, ip, user_agent, metadata, subject)
    WHERE ${NOT_BLOCKED}
  ), stored AS (
    INSERT INTO audit_entry_context (domain_id, seq, ip, user_agent, metadata)
    SELECT domain_id, seq, ip::inet, user_agent, metadata::json FROM given
    RETURNING 1
  )
  SELECT domain_id::text AS "domainId", count(*)::int AS count, (SELECT count(*)::int FROM stored) AS stored
  FROM given GROUP BY domain_id`

/** Writes the contexts of requests, and returns how many each chain got. Those of blocked subjects are left out. */
export async function writeContexts(
  client: Client,
  rows: readonly PlacedRow[],
): Promise<OffChainWrites['contexts']> {
  const withContext = rows.filter(({ row }) => row.context !== undefined)
  if (withContext.length === 0) return []
  const column = <T>(value: (row: PlacedRow) => T) => withContext.map(value)
  const values = [
    column(({ entry }) => entry.domainId),
    column(({ entry }) => entry.seq),
    column(({ row }) => row.context?.ip ?? null),
    column(({ row }) => row.context?.userAgent ?? null),
    column(({ row }) => (row.context?.metadata === undefined ? null : JSON.stringify(row.context.metadata))),
    column(({ entry }) => entry.subjectPseudonym),
  ]
  const { rows: given } = await client.query<{ domainId: string; count: number; stored: number }>(
    INSERT_CONTEXTS,
    values,
  )
  const count = given.reduce((sum, chain) => sum + chain.count, 0)
  assertStored('audit_entry_context', given[0]?.stored ?? 0, count)
  return given
}
