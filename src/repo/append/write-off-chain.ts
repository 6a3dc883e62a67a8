import { formatTimestamp } from '../../chain/timestamp.js'
import type { SubjectPii } from '../../ports/append.js'
import type { Client } from '../session/database.js'
import type { OffChainWrites } from './append-ledger.js'
import type { PlacedRow } from './append-placement.js'
import { assertStored } from './assert-stored.js'
import { arrayLiteral } from './entry-columns.js'
import { insertContexts, notBlocked, upsertSubjects } from './off-chain-sql.js'

const UPSERT_SUBJECTS = `
  WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
      AS r(domain_id, subject, identity_id, plaintext, email, ip, claims, seen)
    WHERE ${notBlocked()}
  ), stored AS (${upsertSubjects('given')})
  SELECT domain_id::text AS "domainId", subject, (SELECT count(*)::int FROM stored) AS stored FROM given`

/**
 * Writes personal data, one row for each subject and chain, and returns the subjects that are not blocked. A statement may
 * update a row only once, so the group is merged first.
 */
export async function writeSubjects(
  client: Client,
  rows: readonly PlacedRow[],
): Promise<OffChainWrites['subjects']> {
  const subjects = mergedSubjects(rows)
  if (subjects.length === 0) return []
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

/** Returns the last row of each subject and chain that has personal data, with the data of all its rows. */
export function mergedSubjects(rows: readonly PlacedRow[]): PlacedRow[] {
  const merged = new Map<string, PlacedRow>()
  for (const placed of rows) {
    if (placed.row.subject === undefined) continue
    const key = `${placed.entry.domainId}/${placed.entry.subjectPseudonym}`
    const subject = mergeSubjects(merged.get(key)?.row.subject, placed.row.subject)
    merged.set(key, { ...placed, row: { ...placed.row, subject } })
  }
  return [...merged.values()]
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
    WHERE ${notBlocked()}
  ), stored AS (${insertContexts('given')})
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
