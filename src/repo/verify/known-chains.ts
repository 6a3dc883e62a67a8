import { DOMAIN_OBJECT_PATTERN, DOMAIN_PREFIX, SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { KnownChains } from '../../ports/domains.js'
import type { Client } from '../session/database.js'
import { ANY_DOMAIN } from './chain-expressions.js'

/** The chains that any table names. The recursive walk probes the index once a chain, not once a row. */
const STORED = `
  WITH RECURSIVE stored(domain_id) AS (
    (SELECT domain_id FROM audit_log_entry ORDER BY domain_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.domain_id FROM audit_log_entry e WHERE e.domain_id > s.domain_id ORDER BY e.domain_id LIMIT 1)
    FROM stored s WHERE s.domain_id IS NOT NULL
  )
  SELECT domain_id::text AS id FROM stored WHERE domain_id IS NOT NULL
  UNION SELECT domain_id::text FROM audit_log_chain_head WHERE domain_id IS NOT NULL
  UNION SELECT domain_id::text FROM audit_domain WHERE domain_id IS NOT NULL
  UNION SELECT domain_id::text FROM audit_restore WHERE domain_id IS NOT NULL
  UNION SELECT $1::text WHERE ${ANY_DOMAIN}
  ORDER BY id`

/** The Domains whose creation the platform chain records. */
const CREATED = `
  SELECT substr(object, ${DOMAIN_PREFIX.length + 1}) AS id FROM audit_log_entry
  WHERE domain_id = $1 AND relation = '${SELF_AUDIT.chainCreate}' AND object ~ '${DOMAIN_OBJECT_PATTERN}'`

const REGISTERED = 'SELECT domain_id::text AS id FROM audit_domain WHERE domain_id IS NOT NULL'

const OWNERLESS = `
  SELECT count(*) AS rows, min(seq) AS from, max(seq) AS to FROM audit_log_entry WHERE domain_id IS NULL`

/**
 * Returns every chain that the database knows of. Call this before the chains themselves are read: a Domain that is
 * created in between is then in neither, and so causes no false alarm.
 */
export async function knownChains(client: Client): Promise<KnownChains> {
  const ids = async (text: string, values: readonly string[] = []) =>
    (await client.query<{ id: string }>(text, [...values])).rows.map((row) => row.id)
  const created = new Set(await ids(CREATED, [PLATFORM_ANCHOR]))
  const registered = new Set(await ids(REGISTERED))
  const stored = await ids(STORED, [PLATFORM_ANCHOR])
  const ownerless = await ownerlessRows(client)
  const here = ownerless === undefined ? stored : [...stored, PLATFORM_ANCHOR]
  return { domainIds: [...new Set([...here, ...created])].sort(), registered, created, ownerless }
}

async function ownerlessRows(client: Client): Promise<KnownChains['ownerless']> {
  const { rows } = await client.query<{ rows: string; from: string | null; to: string | null }>(OWNERLESS)
  const [row] = rows
  if (row === undefined || row.rows === '0') return undefined
  return { rows: Number(row.rows), fromSeq: Number(row.from), toSeq: Number(row.to) }
}
