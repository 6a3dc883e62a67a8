import { AuditError } from '../../base/errors.js'
import { DOMAIN_PREFIX, mirrorOfPath, SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { DomainRecord, DomainRegistry } from '../../ports/domains.js'
import type { Client, Database } from '../session/database.js'
import { keysetPage } from '../session/keyset-page.js'
import { microsOf, readTime } from '../session/read-time.js'
import { LAST_OF_HEAD } from '../verify/chain-expressions.js'

interface DomainRow {
  readonly domain_id: string
  readonly name: string
  readonly mirror_url: string | null
  readonly created_at: string | null
  readonly rows: string | null
}

/** The Domains of the registry, without the platform chain. */
export function postgresDomainRegistry(database: Database): DomainRegistry {
  return { page: (range) => database.withClient((client) => listDomains(client, range)) }
}

async function listDomains(
  client: Client,
  range: { after?: string | undefined; limit: number },
): Promise<DomainRecord[]> {
  const rows = await keysetPage<DomainRow>(client, {
    select: `SELECT d.domain_id, d.name, d.mirror_url, ${microsOf('d.created_at')} AS created_at,
        h.${LAST_OF_HEAD} AS rows
      FROM audit_domain d LEFT JOIN audit_log_chain_head h ON h.domain_id = d.domain_id`,
    where: (bind) => [
      `d.domain_id <> ${bind(PLATFORM_ANCHOR)}`,
      ...(range.after === undefined ? [] : [`d.domain_id > ${bind(range.after)}`]),
    ],
    key: 'd.domain_id',
    limit: range.limit,
  })
  return rows.map((row) => ({
    domainId: row.domain_id,
    name: row.name,
    mirrorUrl: row.mirror_url ?? undefined,
    createdAt: readTime(row.created_at),
    rows: row.rows === null ? undefined : Number(row.rows),
  }))
}

/**
 * Returns whether a chain is registered, or has rows although its registry entry is gone: investigators must still be
 * able to read such rows. The platform chain always exists, even before its first row.
 */
export async function chainExists(client: Client, domainId: string): Promise<boolean> {
  if (domainId === PLATFORM_ANCHOR) return true
  const { rows } = await client.query<{ known: boolean }>(
    `SELECT EXISTS (SELECT FROM audit_domain WHERE domain_id = $1)
         OR EXISTS (SELECT FROM audit_log_entry WHERE domain_id = $1) AS known`,
    [domainId],
  )
  return rows[0]?.known === true
}

const MIRROR = `
  SELECT d.mirror_url AS url, created.relation_path AS path FROM audit_domain d
  LEFT JOIN LATERAL (
    SELECT relation_path FROM audit_log_entry
    WHERE domain_id = $2 AND relation = '${SELF_AUDIT.chainCreate}' AND object = '${DOMAIN_PREFIX}' || d.domain_id::text ORDER BY seq LIMIT 1
  ) AS created ON true
  WHERE d.domain_id = $1`

/**
 * Returns the mirror of a Domain, or undefined for a Domain in the default mirror and for the platform chain. The registry
 * itself is not protected by a chain. Rejects with `chain_conflict` if the registry differs from the Domain's creation on
 * the platform chain: otherwise verify could be led to a mirror that somebody else made.
 */
export async function mirrorUrlOf(client: Client, domainId: string): Promise<string | undefined> {
  const { rows } = await client.query<{ url: string | null; path: string[] | null }>(MIRROR, [
    domainId,
    PLATFORM_ANCHOR,
  ])
  const [row] = rows
  const said = mirrorOfPath(row?.path ?? []) ?? null
  if (row === undefined || row.path === null || row.url === said) return row?.url ?? undefined
  throw new AuditError(
    'chain_conflict',
    `the registry names another mirror for Domain ${domainId} than the row of its creation`,
    {
      advice: { code: 'verify_creation', domainId },
    },
  )
}
