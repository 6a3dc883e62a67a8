import type { ChainHead } from '../../chain/entry.js'
import type { LastRow } from '../../chain/head.js'
import { DOMAIN_OBJECT_PATTERN, DOMAIN_PREFIX, SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { KnownChains } from '../../ports/domains.js'
import type { Restoring } from '../../ports/verify.js'
import type { Client } from '../session/database.js'
import { microsOf, readTime } from '../session/read-time.js'

/** What Postgres knows of a chain apart from its rows. */
export interface ChainState {
  /** The registry or the platform chain knows this Domain; the platform chain is known once any Domain or head is there. */
  readonly known: boolean
  readonly head?: ChainHead | undefined
  readonly last?: LastRow | undefined
  readonly restoring?: Restoring | undefined
}

/**
 * The last row that a head counts, whatever stands in it: in bigint the least one less one is an error, and with it no
 * row of the chain would be judged.
 */
export const LAST_OF_HEAD = 'next_seq::numeric - 1::numeric'

/** Whether there is a Domain, in the registry or only with its chain: none was ever made without a row on the platform chain. */
export const ANY_DOMAIN = `(EXISTS (SELECT FROM audit_domain) OR EXISTS (SELECT FROM audit_log_chain_head))`

/**
 * Each operator is one of pg_catalog for just these types, by a cast where need be. Of a text and a uuid it has none: then
 * one that somebody made in the schema of our tables would be taken, and could say that a chain was never created.
 */
const STATE = `
  SELECT
    CASE WHEN $1::uuid = $2::uuid THEN ${ANY_DOMAIN}
    ELSE EXISTS (SELECT FROM audit_domain WHERE domain_id = $1)
      OR EXISTS (SELECT FROM audit_log_entry
                 WHERE domain_id = $2 AND relation = '${SELF_AUDIT.chainCreate}' AND object = '${DOMAIN_PREFIX}' || $1::uuid::text)
    END AS known,
    head.seq AS head_seq,
    head.hash AS head_hash,
    last.seq AS last_seq,
    last.hashes AS last_hashes,
    restoring.mirror_url AS restore_mirror,
    ${microsOf('restoring.started_at')} AS restore_since
  FROM (SELECT) AS one
  LEFT JOIN LATERAL (
    SELECT seq, array_agg(encode(entry_hash, 'hex')) AS hashes FROM audit_log_entry
    WHERE domain_id = $1 AND seq = (SELECT max(seq) FROM audit_log_entry WHERE domain_id = $1)
    GROUP BY seq
  ) AS last ON true
  -- Without its key the table may hold a second head of a chain: one that does not match is the one that is judged.
  LEFT JOIN LATERAL (
    SELECT ${LAST_OF_HEAD} AS seq, encode(head_hash, 'hex') AS hash FROM audit_log_chain_head WHERE domain_id = $1
    ORDER BY ${LAST_OF_HEAD} = last.seq::numeric AND encode(head_hash, 'hex') = ANY (last.hashes) NULLS FIRST LIMIT 1
  ) AS head ON true
  LEFT JOIN LATERAL (
    SELECT mirror_url, started_at FROM audit_restore WHERE domain_id = $1 ORDER BY started_at LIMIT 1
  ) AS restoring ON true`

interface StateRow {
  known: boolean
  head_seq: string | null
  head_hash: string | null
  last_seq: string | null
  last_hashes: (string | null)[] | null
  restore_mirror: string | null
  restore_since: string | null
}

export async function chainState(client: Client, domainId: string): Promise<ChainState> {
  const { rows } = await client.query<StateRow>(STATE, [domainId, PLATFORM_ANCHOR])
  const [row] = rows
  return {
    known: row?.known ?? false,
    head: row?.head_seq == null ? undefined : { seq: Number(row.head_seq), hash: row.head_hash ?? '' },
    last:
      row?.last_seq == null
        ? undefined
        : { seq: Number(row.last_seq), hashes: (row.last_hashes ?? []).map((hash) => hash ?? '') },
    restoring: restoringOf(row),
  }
}

function restoringOf(row: StateRow | undefined): Restoring | undefined {
  if (row?.restore_mirror == null || row.head_seq !== null) return undefined
  return { mirrorUrl: row.restore_mirror, since: readTime(row.restore_since) }
}

/** Whether the entries still have their primary key, which keeps a seq from being there twice, and are one table. */
export async function isKeyed(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ keyed: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_index WHERE indrelid = 'audit_log_entry'::regclass::oid
       AND indisunique AND indisvalid AND indpred IS NULL AND indnkeyatts = 2
       AND indkey[0] = (SELECT attnum FROM pg_attribute WHERE attrelid = indrelid AND attname = 'domain_id')
       AND indkey[1] = (SELECT attnum FROM pg_attribute WHERE attrelid = indrelid AND attname = 'seq')
       AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = indrelid)) AS keyed`,
  )
  return rows[0]?.keyed === true
}

/**
 * Begins a look at everything: a policy that hides rows must be an error, not a chain with fewer of them. Nor is a CHECK
 * taken at its word: one that was marked as valid and is not would have the planner pass over a table's rows.
 */
export const SEEING_ALL = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  SET LOCAL row_security = off; SET LOCAL constraint_exclusion = off`

/** Begins the reading of one chain. A sort of a long one would spill to disk before its first row; its key has the order. */
export const SCAN_BEGIN = `${SEEING_ALL}; SET LOCAL enable_sort = off`

/**
 * Of a transaction that reads a whole chain: as pg_dump does, it puts aside what ends statements and transactions that
 * take long, or idle while their snapshot is lent to others. A server before 17 has no transaction_timeout. A snapshot
 * that was lent is to be taken before.
 */
export const UNHURRIED = `SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
  SELECT CASE WHEN current_setting('transaction_timeout', true) IS NOT NULL
    THEN set_config('transaction_timeout', '0', true) END`

const CHAINS = `
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

const CREATED = `
  SELECT substr(object, ${DOMAIN_PREFIX.length + 1}) AS id FROM audit_log_entry
  WHERE domain_id = $1 AND relation = '${SELF_AUDIT.chainCreate}' AND object ~ '${DOMAIN_OBJECT_PATTERN}'`

/** Read before the chains themselves: a Domain made meanwhile is in neither, and so no false alarm. */
export async function knownChains(client: Client): Promise<KnownChains> {
  const ids = async (text: string, values: readonly string[] = []) =>
    (await client.query<{ id: string }>(text, [...values])).rows.map((row) => row.id)
  const created = new Set(await ids(CREATED, [PLATFORM_ANCHOR]))
  const registered = new Set(
    await ids('SELECT domain_id::text AS id FROM audit_domain WHERE domain_id IS NOT NULL'),
  )
  const stored = await ids(CHAINS, [PLATFORM_ANCHOR])
  const ownerless = await ownerlessRows(client)
  const here = ownerless === undefined ? stored : [...stored, PLATFORM_ANCHOR]
  return { domainIds: [...new Set([...here, ...created])].sort(), registered, created, ownerless }
}

async function ownerlessRows(client: Client): Promise<KnownChains['ownerless']> {
  const { rows } = await client.query<{ rows: string; from: string | null; to: string | null }>(
    'SELECT count(*) AS rows, min(seq) AS from, max(seq) AS to FROM audit_log_entry WHERE domain_id IS NULL',
  )
  const [row] = rows
  if (row === undefined || row.rows === '0') return undefined
  return { rows: Number(row.rows), fromSeq: Number(row.from), toSeq: Number(row.to) }
}
