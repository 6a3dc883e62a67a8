import { AuditError } from '../../base/errors.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import type { SubjectPii } from '../../ports/append.js'
import type { Client } from '../session/database.js'
import type { PlacedRow, Placement } from './append-placement.js'
import { assertStored } from './assert-stored.js'
import { arrayLiteral } from './entry-columns.js'

const INSERT_DOMAINS = `
  INSERT INTO audit_domain (domain_id, name, mirror_url)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])`

const INSERT_HEADS = `
  INSERT INTO audit_log_chain_head (domain_id, next_seq, head_hash)
  SELECT id, next_seq, decode(hash, 'hex') FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS h(id, next_seq, hash)`

/** Updates only the head that was read: a head that moved in spite of the lock would fork the chain. */
const ADVANCE_HEADS = `
  UPDATE audit_log_chain_head AS h SET next_seq = n.next_seq, head_hash = decode(n.hash, 'hex')
  FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[]) AS n(id, next_seq, hash, before)
  WHERE h.domain_id = n.id AND h.next_seq = n.before`

/** Registers new Domains and advances the heads. */
export async function writeChains(client: Client, placement: Placement): Promise<void> {
  const registered = [...placement.started].filter(([, start]) => start.registration !== undefined)
  if (registered.length > 0) {
    const { rowCount } = await client.query(INSERT_DOMAINS, [
      registered.map(([domainId]) => domainId),
      registered.map(([, start]) => start.registration?.name ?? ''),
      registered.map(([, start]) => start.registration?.mirrorUrl ?? null),
    ])
    assertStored('audit_domain', rowCount, registered.length)
  }
  const heads = placement.heads()
  const fresh = heads.filter(({ before }) => before === undefined)
  const old = heads.filter(({ before }) => before !== undefined)
  if (fresh.length > 0) {
    const { rowCount } = await client.query(INSERT_HEADS, headColumns(fresh))
    assertStored('audit_log_chain_head', rowCount, fresh.length)
  }
  if (old.length === 0) return
  const before = old.map((head) => head.before?.nextSeq)
  const query = { name: 'audit_advance_heads', text: ADVANCE_HEADS, values: [...headColumns(old), before] }
  const { rowCount } = await client.query(query)
  if (rowCount !== old.length) {
    throw new AuditError('chain_conflict', 'a chain head moved under its lock; nothing was appended')
  }
}

function headColumns(heads: ReturnType<Placement['heads']>): unknown[] {
  return [
    heads.map((head) => head.domainId),
    heads.map((head) => head.after.nextSeq),
    heads.map((head) => head.after.headHash),
  ]
}

/**
 * Nothing is kept about a blocked subject (docs/erasure.md). Read under the chain's lock, so an erasure that blocks comes
 * either before this append or after it.
 */
const NOT_BLOCKED = `NOT EXISTS (SELECT FROM audit_subject_block b
    WHERE b.domain_id = r.domain_id AND b.subject_pseudonym = decode(r.subject, 'hex'))`

/** A field that the row does not have keeps its stored value. */
const UPSERT_SUBJECTS = `
  INSERT INTO audit_subject_pii AS p (domain_id, subject_pseudonym, identity_id, subject_plaintext, email_claim,
    source_ip, idp_claim_names, first_seen_at, last_seen_at)
  SELECT domain_id, decode(subject, 'hex'), identity_id, plaintext, email, ip::inet, claims::text[],
    seen::timestamptz, seen::timestamptz
  FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    AS r(domain_id, subject, identity_id, plaintext, email, ip, claims, seen)
  WHERE ${NOT_BLOCKED}
  ON CONFLICT (domain_id, subject_pseudonym) DO UPDATE SET
    identity_id = coalesce(excluded.identity_id, p.identity_id),
    subject_plaintext = coalesce(excluded.subject_plaintext, p.subject_plaintext),
    email_claim = coalesce(excluded.email_claim, p.email_claim),
    source_ip = coalesce(excluded.source_ip, p.source_ip),
    idp_claim_names = CASE WHEN excluded.idp_claim_names = '{}' THEN p.idp_claim_names ELSE excluded.idp_claim_names END,
    last_seen_at = greatest(excluded.last_seen_at, p.last_seen_at)`

/** Writes personal data, one row for each subject and chain. A statement may update a row only once, so the group is merged first. */
export async function writeSubjects(client: Client, rows: readonly PlacedRow[]): Promise<void> {
  const merged = new Map<string, PlacedRow>()
  for (const placed of rows) {
    if (placed.row.subject === undefined) continue
    const key = `${placed.entry.domainId}/${placed.entry.subjectPseudonym}`
    const subject = mergeSubjects(merged.get(key)?.row.subject, placed.row.subject)
    merged.set(key, { ...placed, row: { ...placed.row, subject } })
  }
  if (merged.size === 0) return
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
  await client.query({ name: 'audit_upsert_subjects', text: UPSERT_SUBJECTS, values })
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
  INSERT INTO audit_entry_context (domain_id, seq, ip, user_agent, metadata)
  SELECT domain_id, seq, ip::inet, user_agent, metadata::json
  FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS r(domain_id, seq, ip, user_agent, metadata, subject)
  WHERE ${NOT_BLOCKED}`

export async function writeContexts(client: Client, rows: readonly PlacedRow[]): Promise<void> {
  const withContext = rows.filter(({ row }) => row.context !== undefined)
  if (withContext.length === 0) return
  const column = <T>(value: (row: PlacedRow) => T) => withContext.map(value)
  const values = [
    column(({ entry }) => entry.domainId),
    column(({ entry }) => entry.seq),
    column(({ row }) => row.context?.ip ?? null),
    column(({ row }) => row.context?.userAgent ?? null),
    column(({ row }) => (row.context?.metadata === undefined ? null : JSON.stringify(row.context.metadata))),
    column(({ entry }) => entry.subjectPseudonym),
  ]
  await client.query({ name: 'audit_append_contexts', text: INSERT_CONTEXTS, values })
}
