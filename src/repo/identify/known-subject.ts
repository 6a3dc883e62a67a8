import { SELF_AUDIT } from '../../chain/self-audit.js'
import type {
  KnownMapping,
  KnownSubject,
  OwnRows,
  RecordedErasure,
  SeenValues,
} from '../../ports/identify.js'
import type { Client } from '../session/database.js'
import { microsOf, readTime } from '../session/read-time.js'

/** Most addresses, and most user agents, that are returned for one subject. */
const MOST_VALUES = 100

/** Reads what a chain holds about a pseudonym, 64 hex digits. */
export async function knownSubject(
  client: Client,
  domainId: string,
  pseudonym: string,
): Promise<KnownSubject> {
  const values = [domainId, Buffer.from(pseudonym, 'hex')]
  const mapping = await readMapping(client, values)
  const rows = await readRows(client, values)
  const erasure = await readErasure(client, [domainId, pseudonym])
  return { pseudonym, mapping, rows, erasure, ...(await readContexts(client, values)) }
}

const MAPPING = `
  SELECT identity_id, subject_plaintext, email_claim, host(source_ip) AS source_ip, idp_claim_names::text[] AS claims,
    ${microsOf('first_seen_at')} AS first_seen, ${microsOf('last_seen_at')} AS last_seen
  FROM audit_subject_pii WHERE domain_id = $1 AND subject_pseudonym = $2 LIMIT 1`

interface MappingRow {
  readonly identity_id: string | null
  readonly subject_plaintext: string | null
  readonly email_claim: string | null
  readonly source_ip: string | null
  readonly claims: readonly unknown[] | null
  readonly first_seen: string | null
  readonly last_seen: string | null
}

async function readMapping(client: Client, values: unknown[]): Promise<KnownMapping | undefined> {
  const [row] = (await client.query<MappingRow>(MAPPING, values)).rows
  if (row === undefined) return undefined
  return {
    identityId: row.identity_id ?? undefined,
    plaintext: row.subject_plaintext ?? undefined,
    emailClaim: row.email_claim ?? undefined,
    sourceIp: row.source_ip ?? undefined,
    idpClaimNames: (row.claims ?? []).filter((name) => typeof name === 'string'),
    firstSeenAt: readTime(row.first_seen),
    lastSeenAt: readTime(row.last_seen),
  }
}

const OWN = 'domain_id = $1 AND subject_pseudonym = $2'
const ROWS = `
  SELECT own.count, own.first, own.last, ${microsOf('f.recorded_at')} AS first_at, ${microsOf('l.recorded_at')} AS last_at
  FROM (SELECT count(*) AS count, min(seq) AS first, max(seq) AS last FROM audit_log_entry WHERE ${OWN}) own
  LEFT JOIN audit_log_entry f ON f.domain_id = $1 AND f.seq = own.first
  LEFT JOIN audit_log_entry l ON l.domain_id = $1 AND l.seq = own.last
  LIMIT 1`

interface RowsRow {
  readonly count: string
  readonly first: string | null
  readonly last: string | null
  readonly first_at: string | null
  readonly last_at: string | null
}

async function readRows(client: Client, values: unknown[]): Promise<OwnRows> {
  const [row] = (await client.query<RowsRow>(ROWS, values)).rows
  const seqOf = (text: string | null = null) => (text === null ? undefined : Number(text))
  return {
    count: Number(row?.count ?? 0),
    firstSeq: seqOf(row?.first),
    lastSeq: seqOf(row?.last),
    firstAt: readTime(row?.first_at ?? null),
    lastAt: readTime(row?.last_at ?? null),
  }
}

/** The condition on the id of the object is that of an index. */
const ERASURE = `
  SELECT seq, ${microsOf('recorded_at')} AS at FROM audit_log_entry
  WHERE domain_id = $1 AND substr(object, strpos(object, ':') + 1) = $2 AND object = 'identity:' || $2
    AND relation = '${SELF_AUDIT.eraseIdentity}' ORDER BY seq DESC LIMIT 1`

async function readErasure(client: Client, values: unknown[]): Promise<RecordedErasure | undefined> {
  const [row] = (await client.query<{ seq: string; at: string | null }>(ERASURE, values)).rows
  return row === undefined ? undefined : { seq: Number(row.seq), erasedAt: readTime(row.at) }
}

/** OFFSET 0 makes each context a probe of the primary key. The count over the groups is that of all distinct values. */
const CONTEXTS = `
  WITH own AS MATERIALIZED (
    SELECT c.ip, c.user_agent FROM audit_log_entry e CROSS JOIN LATERAL (
      SELECT ip, user_agent FROM audit_entry_context WHERE domain_id = e.domain_id AND seq = e.seq OFFSET 0) AS c
    WHERE e.domain_id = $1 AND e.subject_pseudonym = $2
  )
  SELECT 'contexts' AS kind, '' AS value, count(*) AS rows, 1 AS total FROM own
  UNION ALL (${valuesOf('addresses', 'host(ip)')})
  UNION ALL (${valuesOf('userAgents', 'user_agent')})`

function valuesOf(kind: string, column: string): string {
  return `SELECT '${kind}', ${column}, count(*), count(*) OVER () FROM own WHERE ${column} IS NOT NULL
    GROUP BY ${column} ORDER BY count(*) DESC, ${column} LIMIT ${MOST_VALUES}`
}

interface ContextsRow {
  readonly kind: string
  readonly value: string
  readonly rows: string
  readonly total: string
}

async function readContexts(
  client: Client,
  values: unknown[],
): Promise<Pick<KnownSubject, 'contexts' | 'addresses' | 'userAgents'>> {
  const { rows } = await client.query<ContextsRow>(CONTEXTS, values)
  const seen = (kind: string): SeenValues => {
    const own = rows.filter((row) => row.kind === kind)
    return {
      values: own.map((row) => ({ value: row.value, rows: Number(row.rows) })),
      total: Number(own[0]?.total ?? 0),
    }
  }
  const contexts = Number(rows.find(({ kind }) => kind === 'contexts')?.rows ?? 0)
  return { contexts, addresses: seen('addresses'), userAgents: seen('userAgents') }
}
