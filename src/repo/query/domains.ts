import { isDomainId, PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { DomainRecord, DomainRegistry } from '../../ports/domains.js'
import type { Client, Database } from '../session/database.js'
import { keysetPage } from '../session/keyset-page.js'
import { microsOf, readTime } from '../session/read-time.js'
import { LAST_OF_HEAD } from '../verify/chain-expressions.js'
import { type ClaimsRow, claimsColumns, namingRows, readClaims } from './domain-claims.js'

interface DomainRow extends ClaimsRow {
  readonly domain_id: string
  readonly name: string
  readonly mirror_url: string | null
  readonly created_at: string | null
  readonly rows: string | null
}

/** The Domains of the registry, without the platform chain. */
export function postgresDomainRegistry(database: Database): DomainRegistry {
  return {
    page: (range) => database.read((client) => listDomains(client, range)),
    named: (domainIds, limit) =>
      database.withTransaction(SHORT_READ, async (client) => {
        const among = domainIds === 'all' ? undefined : domainIds.filter(isDomainId)
        const domains = await listDomains(client, { among, limit })
        return { domains, rows: await namingRows(client, among, limit) }
      }),
  }
}

/** Ends a read that waits for a lock, or that lacks an index. */
const SHORT_READ = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = '2s'"

interface DomainRange {
  readonly after?: string | undefined
  readonly among?: readonly string[] | undefined
  readonly limit: number
}

async function listDomains(client: Client, { after, among, limit }: DomainRange): Promise<DomainRecord[]> {
  const rows = await keysetPage<DomainRow>(client, {
    select: `SELECT d.domain_id, d.name, d.mirror_url, ${microsOf('d.created_at')} AS created_at,
        h.${LAST_OF_HEAD} AS rows, ${claimsColumns('d.domain_id')}
      FROM audit_domain d LEFT JOIN audit_log_chain_head h ON h.domain_id = d.domain_id`,
    where: (bind) => [
      `d.domain_id <> ${bind(PLATFORM_ANCHOR)}`,
      ...(after === undefined ? [] : [`d.domain_id > ${bind(after)}`]),
      ...(among === undefined ? [] : [`d.domain_id = ANY(${bind(among)}::uuid[])`]),
    ],
    key: 'd.domain_id',
    limit,
  })
  return rows.map((row) => ({
    domainId: row.domain_id,
    name: row.name,
    mirrorUrl: row.mirror_url ?? undefined,
    createdAt: readTime(row.created_at),
    rows: row.rows === null ? undefined : Number(row.rows),
    claims: readClaims(row),
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
