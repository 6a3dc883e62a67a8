import { DOMAIN_OBJECT_PATTERN, DOMAIN_PREFIX, SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { KnownChains } from '../../ports/domains.js'
import { isStamped } from '../session/archive-stamp.js'
import { rowsByKey } from '../session/by-key.js'
import type { Client } from '../session/database.js'
import { microsOf, readTime } from '../session/read-time.js'
import { WITH_STORED_CHAINS } from '../session/stored-chains.js'
import { ANY_DOMAIN } from './chain-expressions.js'

/** The chains that any table names. */
const STORED = `${WITH_STORED_CHAINS}
  SELECT domain_id::text AS id FROM stored WHERE domain_id IS NOT NULL
  UNION SELECT domain_id::text FROM audit_log_chain_head WHERE domain_id IS NOT NULL
  UNION SELECT domain_id::text FROM audit_domain WHERE domain_id IS NOT NULL
  UNION SELECT domain_id::text FROM audit_restore WHERE domain_id IS NOT NULL
  UNION SELECT $1::text WHERE ${ANY_DOMAIN}
  ORDER BY id`

/** The Domains whose creation the platform chain records. */
const createdIn = (rows: string) => `
  SELECT substr(object, ${DOMAIN_PREFIX.length + 1}) AS id FROM ${rows} e
  WHERE domain_id = $1 AND relation = '${SELF_AUDIT.chainCreate}' AND object ~ '${DOMAIN_OBJECT_PATTERN}'`

/** The Domains that the platform chain names, whether or not it records their creation. */
const NAMED = `
  SELECT DISTINCT substr(object, ${DOMAIN_PREFIX.length + 1}) AS id FROM audit_log_entry
  WHERE domain_id = $1 AND relation = '${SELF_AUDIT.domainName}' AND object ~ '${DOMAIN_OBJECT_PATTERN}'`

const REGISTERED = 'SELECT domain_id::text AS id FROM audit_domain WHERE domain_id IS NOT NULL'

/**
 * Selects the given chains that have rows, a head or a registry entry, with the time of their first row. A chain that is
 * being restored is recorded when it gets its head. A forced row below seq 1 cannot have a stamp, and says nothing about the chain.
 */
const PRESENT = `
  SELECT c.id::text AS id, ${microsOf('first.recorded_at')} AS at, coalesce(placed.is_stamped, false) AS archived
  FROM unnest($1::uuid[]) AS c(id)
  LEFT JOIN LATERAL (
    SELECT recorded_at FROM audit_log_entry WHERE domain_id = c.id ORDER BY seq LIMIT 1
  ) AS first ON true
  LEFT JOIN LATERAL (
    SELECT ${isStamped('e')} AS is_stamped FROM audit_log_entry e WHERE domain_id = c.id AND seq >= 1 ORDER BY seq LIMIT 1
  ) AS placed ON true
  WHERE EXISTS (SELECT FROM audit_log_chain_head h WHERE h.domain_id = c.id)
    OR EXISTS (SELECT FROM audit_log_entry e WHERE e.domain_id = c.id)
      AND NOT EXISTS (SELECT FROM audit_restore r WHERE r.domain_id = c.id)
    OR EXISTS (SELECT FROM audit_domain d WHERE d.domain_id = c.id)`

/** The time of the first or of the last row of a chain. */
const timeOfEnd = (order: 'ASC' | 'DESC') => `
  SELECT ${microsOf('recorded_at')} AS at FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq ${order} LIMIT 1`

/** The text of a row has two empty fields at its end, as before migration 0015: an acknowledged finding stays acknowledged. */
const OWNERLESS = `
  SELECT count(*) AS rows, min(seq) AS from, max(seq) AS to,
    sum(hashtextextended(left(e::text, -1) || ',,)', 0)::numeric)::text AS hash
  FROM audit_log_entry e WHERE domain_id IS NULL`

/** Returns the ids of the chains that any table names. */
export async function storedChainIds(client: Client): Promise<string[]> {
  return idsOf(client, STORED, [PLATFORM_ANCHOR])
}

async function idsOf(client: Client, text: string, values: readonly string[] = []): Promise<string[]> {
  return (await client.query<{ id: string }>(text, [...values])).rows.map(({ id }) => id)
}

interface OwnerlessRow {
  readonly rows: string
  readonly from: string | null
  readonly to: string | null
  readonly hash: string
}

/**
 * Returns every chain that the database knows of. Call this before the chains themselves are read: a Domain that is
 * created in between is then in neither, and so causes no false alarm. The registry is read after all records of
 * creations, because without a snapshot a Domain that is created in between would look as if it were not registered.
 */
export async function knownChains(client: Client): Promise<KnownChains> {
  let created = new Set(await idsOf(client, createdIn('audit_log_entry'), [PLATFORM_ANCHOR]))
  const stored = await storedChainIds(client)
  // An index that lacks a row must not make an honest chain unknown.
  if (stored.some((id) => id !== PLATFORM_ANCHOR && !created.has(id)))
    created = new Set(await idsOf(client, createdIn(rowsByKey(['domain_id = $1'])), [PLATFORM_ANCHOR]))
  const registered = new Set(await idsOf(client, REGISTERED))
  const named = await idsOf(client, NAMED, [PLATFORM_ANCHOR])
  const unrecorded = await unrecordedChains(client, stored, new Set([...created, ...named]))
  const ownerless = await ownerlessRows(client)
  const here = ownerless === undefined ? stored : [...stored, PLATFORM_ANCHOR]
  return {
    domainIds: [...new Set([...here, ...created])].sort(),
    registered,
    created,
    ...unrecorded,
    ownerless,
  }
}

/** Returns the chains that the platform chain does not record. On an honest log there is none, and no query. */
async function unrecordedChains(
  client: Client,
  stored: readonly string[],
  recorded: ReadonlySet<string>,
): Promise<Pick<KnownChains, 'unrecorded' | 'platformStart' | 'platformEnd'>> {
  const ids = stored.filter((id) => id !== PLATFORM_ANCHOR && !recorded.has(id))
  if (ids.length === 0) return {}
  const chains = await client.query<{ id: string; at: string | null; archived: boolean }>(PRESENT, [ids])
  return {
    unrecorded: new Map(
      chains.rows.map(({ id, at, archived }) => [id, { firstAt: finite(at), isArchived: archived }]),
    ),
    platformStart: await platformTime(client, 'ASC'),
    platformEnd: await platformTime(client, 'DESC'),
  }
}

async function platformTime(client: Client, order: 'ASC' | 'DESC'): Promise<bigint | undefined> {
  const { rows } = await client.query<{ at: string | null }>(timeOfEnd(order), [PLATFORM_ANCHOR])
  return finite(rows[0]?.at ?? null)
}

function finite(text: string | null): bigint | undefined {
  const time = readTime(text)
  return typeof time === 'bigint' ? time : undefined
}

async function ownerlessRows(client: Client): Promise<KnownChains['ownerless']> {
  const { rows } = await client.query<OwnerlessRow>(OWNERLESS)
  const [row] = rows
  if (row === undefined || row.rows === '0') return undefined
  return { rows: Number(row.rows), fromSeq: Number(row.from), toSeq: Number(row.to), hash: row.hash }
}
