import { AuditError } from '../../base/errors.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Client } from '../session/database.js'
import { quotedLiteral } from '../session/quoted-literal.js'
import {
  EQ,
  GT,
  IN_SEARCH_PATH,
  isFormatTime,
  MINUS,
  microsText,
  NE,
  type TableNames,
} from './qualified-names.js'

/** The state of a chain, read under its lock, if it has a head. */
export interface OpenChain {
  readonly domainId: string
  /** The registry has this Domain. The platform chain counts as registered once any Domain exists: it begins only once. */
  readonly registered: boolean
  /** The seq of the last stored row, whatever the head says; 0 where there are no rows. */
  readonly lastSeq: number
  /** An entry_hash of the row before `nextSeq` that is not the hash of the head; empty for NULL. Undefined where none differs. */
  readonly otherHash?: string | undefined
  /** The database's clock in microseconds. A new row must be neither before it nor before the last row's recorded_at. */
  readonly clock: bigint
  readonly tail?: ChainTail | undefined
}

/** The end of a chain, to which the next row is appended. */
export interface ChainTail {
  readonly nextSeq: number
  readonly headHash: string
  readonly recordedAt: bigint
  /** The subject_pseudonym of the genesis row; empty where that row is missing. */
  readonly genesisPseudonym: string
}

/**
 * Locks the heads. A head is the lock of its chain, because only a role that may append can lock it; an advisory lock could
 * be taken by any role, which would stop all appends. Every transaction locks in the order of the ids, so that entries of
 * several chains never deadlock. The lock is a statement of its own: the next statement has a snapshot from after the
 * wait. One statement for lock and head would read the last row from before the wait.
 *
 * A chain without a head has no lock. Where two transactions begin one chain, the primary key of the heads decides, and
 * {@link HeadRace} makes the loser begin again.
 */
function lockQuery(ids: string): string {
  return `SELECT FROM audit_log_chain_head WHERE domain_id = ANY (${ids}) ORDER BY domain_id FOR NO KEY UPDATE`
}

export async function lockChains(client: Client, domainIds: readonly string[]): Promise<void> {
  await client.query(lockQuery('$1::uuid[]'), [domainIds])
}

/**
 * Locks chains as {@link lockChains} does and opens them as {@link openChains} does: two statements, each with its own
 * snapshot, in one round trip.
 */
export async function lockAndOpenChains(client: Client, domainIds: readonly string[]): Promise<OpenChain[]> {
  const ids = `${quotedLiteral(`{${domainIds.join(',')}}`)}::uuid[]`
  const results: unknown = await client.query(`${lockQuery(ids)}; ${openQuery(ids)}`)
  const { rows = [] } = Array.isArray(results) ? (results.at(-1) as { rows?: OpenRow[] }) : {}
  return rows.map(openChainOf)
}

/**
 * A head came, or moved, after this transaction had locked the heads that were there. Without a cause no statement failed:
 * where it is so each time, a trigger or rule withholds the update of the head.
 */
export class HeadRace extends AuditError {
  constructor(cause?: unknown) {
    const what =
      cause === undefined ? 'moved under its lock, or its update was withheld' : 'came under its lock'
    const advice = cause === undefined ? ({ code: 'find_withholding_trigger' } as const) : undefined
    super('chain_conflict', `a chain head ${what}; nothing was appended`, { cause, advice })
  }
}

/** The row that the head `h` of chain `c` names. CASE, because the least bigint minus 1 is an error. */
const LAST_ROW = `e.domain_id ${EQ} c.id AND e.seq ${EQ} CASE WHEN h.next_seq ${GT} 1 THEN h.next_seq ${MINUS} 1 END`

const PLATFORM = `'${PLATFORM_ANCHOR}'::pg_catalog.uuid`

/**
 * Returns the query for {@link openChainOf}. `ids` is an SQL expression for the ids.
 *
 * Uses scalar subqueries, not joins: on a table without statistics, a join searched for the last row by its seq alone, in
 * all chains. A last row whose time the format cannot hold was forced into the table, so its time sets no bound. Without the
 * primary key there may be two last rows: each must have the hash of the head.
 */
export function openQuery(ids: string, table: TableNames = IN_SEARCH_PATH): string {
  const entries = `FROM ${table('audit_log_entry')} e WHERE`
  const [domains, heads] = [table('audit_domain'), table('audit_log_chain_head')]
  return `
  SELECT c.id,
    CASE WHEN c.id ${NE} ${PLATFORM} THEN (SELECT true FROM ${domains} d WHERE d.domain_id ${EQ} c.id)
      WHEN h.next_seq IS NULL THEN EXISTS (SELECT FROM ${domains}) OR EXISTS (SELECT FROM ${heads}) END AS registered,
    (SELECT pg_catalog.max(e.seq) ${entries} e.domain_id ${EQ} c.id)::pg_catalog.text AS last_seq,
    h.next_seq::pg_catalog.text AS next_seq,
    pg_catalog.encode(h.head_hash, 'hex') AS head_hash,
    (SELECT pg_catalog.encode(e.subject_pseudonym, 'hex') ${entries} e.domain_id ${EQ} c.id AND e.seq ${EQ} 1
     LIMIT 1) AS genesis_pseudonym,
    (SELECT CASE WHEN ${isFormatTime('e.recorded_at')} THEN ${microsText('e.recorded_at')} END
     ${entries} ${LAST_ROW} LIMIT 1) AS recorded_at,
    (SELECT coalesce(pg_catalog.encode(e.entry_hash, 'hex'), '') ${entries} ${LAST_ROW}
     AND (e.entry_hash ${EQ} h.head_hash) IS NOT TRUE LIMIT 1) AS other_hash,
    ${microsText('pg_catalog.clock_timestamp()')} AS clock
  FROM pg_catalog.unnest(${ids}) AS c(id)
  LEFT JOIN ${heads} h ON h.domain_id ${EQ} c.id`
}

const OPEN = openQuery('$1::uuid[]')

/** A row of {@link openQuery}. */
export interface OpenRow {
  id: string
  registered: boolean | null
  last_seq: string | null
  next_seq: string | null
  head_hash: string | null
  genesis_pseudonym: string | null
  other_hash: string | null
  recorded_at: string | null
  clock: string
}

/**
 * Reads head, clock and genesis of chains that {@link lockChains} has locked. A head that came after that is not locked; the
 * update that advances it compares it with what was read here.
 */
export async function openChains(client: Client, domainIds: readonly string[]): Promise<OpenChain[]> {
  const { rows } = await client.query<OpenRow>(OPEN, [domainIds])
  return rows.map(openChainOf)
}

export function openChainOf(row: OpenRow): OpenChain {
  return {
    domainId: row.id,
    registered: row.registered === true,
    lastSeq: Number(row.last_seq ?? 0),
    otherHash: row.other_hash ?? undefined,
    clock: BigInt(row.clock),
    tail: row.next_seq === null ? undefined : tailOf(row, row.next_seq),
  }
}

function tailOf(row: OpenRow, nextSeq: string): ChainTail {
  return {
    nextSeq: Number(nextSeq),
    headHash: row.head_hash ?? '',
    recordedAt: BigInt(row.recorded_at ?? 0),
    genesisPseudonym: row.genesis_pseudonym ?? '',
  }
}
