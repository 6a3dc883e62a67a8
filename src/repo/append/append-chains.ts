import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Client } from '../session/database.js'
import { ANY_DOMAIN } from '../verify/chain-expressions.js'

/** A chain as it stands under its lock. */
export interface OpenChain {
  readonly domainId: string
  /** The registry has this Domain. The platform chain counts as registered once there is any other: it is begun once. */
  readonly registered: boolean
  /** Of the last stored row, whatever the head says; 0 where there is none. */
  readonly lastSeq: number
  /** The database's, microseconds. With the last row's recorded_at one of the two that a new row must not precede. */
  readonly clock: bigint
  readonly tail?: ChainTail | undefined
}

/** Where the next row of a chain goes. */
export interface ChainTail {
  readonly nextSeq: number
  readonly headHash: string
  readonly recordedAt: bigint
  /** subject_pseudonym of the genesis row; empty where that row is gone. */
  readonly genesisPseudonym: string
}

/**
 * One advisory lock a chain, taken in the order of the lock keys by everybody, so that fan-outs never deadlock. A
 * statement of its own: the next one gets a snapshot from after the wait, where one statement for lock and head
 * would read the head of before.
 */
const LOCK = `
  SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended('audit/chain/' || id, 0) AS key FROM unnest($1::text[]) AS id ORDER BY key
  ) AS keys`

export async function lockChains(client: Client, domainIds: readonly string[]): Promise<void> {
  await client.query({ name: 'audit_lock_chains', text: LOCK, values: [domainIds] })
}

/**
 * Scalar subqueries, not joins: joined to a table without statistics, the last row was looked for by its seq alone, on
 * every chain there is. A last row whose time the format cannot hold was forced into the table; it sets no bound.
 */
const OPEN = `
  SELECT c.id,
    CASE WHEN c.id <> $2::uuid THEN (SELECT true FROM audit_domain d WHERE d.domain_id = c.id)
      WHEN h.next_seq IS NULL THEN ${ANY_DOMAIN} END AS registered,
    (SELECT max(seq) FROM audit_log_entry e WHERE e.domain_id = c.id) AS last_seq,
    h.next_seq,
    encode(h.head_hash, 'hex') AS head_hash,
    (SELECT encode(e.subject_pseudonym, 'hex') FROM audit_log_entry e
     WHERE e.domain_id = c.id AND e.seq = 1 LIMIT 1) AS genesis_pseudonym,
    (SELECT CASE WHEN e.recorded_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
       THEN (extract(epoch FROM e.recorded_at) * 1000000::numeric)::bigint END
     FROM audit_log_entry e WHERE e.domain_id = c.id AND e.seq = CASE WHEN h.next_seq > 1 THEN h.next_seq - 1 END LIMIT 1) AS recorded_at,
    (extract(epoch FROM clock_timestamp()) * 1000000::numeric)::bigint AS clock
  FROM unnest($1::uuid[]) AS c(id)
  LEFT JOIN audit_log_chain_head h ON h.domain_id = c.id`

interface OpenRow {
  id: string
  registered: boolean | null
  last_seq: string | null
  next_seq: string | null
  head_hash: string | null
  genesis_pseudonym: string | null
  recorded_at: string | null
  clock: string
}

/** Reads head, clock and genesis of chains that {@link lockChains} has locked. */
export async function openChains(client: Client, domainIds: readonly string[]): Promise<OpenChain[]> {
  const query = { name: 'audit_open_chains', text: OPEN, values: [domainIds, PLATFORM_ANCHOR] }
  const { rows } = await client.query<OpenRow>(query)
  return rows.map((row) => ({
    domainId: row.id,
    registered: row.registered === true,
    lastSeq: Number(row.last_seq ?? 0),
    clock: BigInt(row.clock),
    tail: row.next_seq === null ? undefined : tailOf(row, row.next_seq),
  }))
}

function tailOf(row: OpenRow, nextSeq: string): ChainTail {
  return {
    nextSeq: Number(nextSeq),
    headHash: row.head_hash ?? '',
    recordedAt: BigInt(row.recorded_at ?? 0),
    genesisPseudonym: row.genesis_pseudonym ?? '',
  }
}
