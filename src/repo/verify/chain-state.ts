import type { ChainHead } from '../../chain/entry.js'
import type { LastRow } from '../../chain/head.js'
import { DOMAIN_PREFIX, SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Restoring } from '../../ports/verify.js'
import type { Client } from '../session/database.js'
import { microsOf, readTime } from '../session/read-time.js'
import { ANY_DOMAIN, LAST_OF_HEAD } from './chain-expressions.js'

/** The state of a chain in PostgreSQL, without its rows. */
export interface ChainState {
  /**
   * Whether the registry or the platform chain knows this Domain. The platform chain itself is known as soon as there is
   * any Domain or head.
   */
  readonly known: boolean
  readonly head?: ChainHead | undefined
  readonly last?: LastRow | undefined
  readonly restoring?: Restoring | undefined
  /** Whether this server is a standby. */
  readonly isStandby: boolean
  /** The database's clock, in microseconds since 1970. */
  readonly clock: bigint
}

/**
 * Cast both operands to one type: pg_catalog has no operator for (text, uuid), and PostgreSQL would take one that an
 * attacker created in the schema of our tables. That operator could claim that a chain was never created.
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
    ${microsOf('restoring.started_at')} AS restore_since,
    pg_is_in_recovery() AS is_standby,
    ${microsOf('clock_timestamp()')} AS clock
  FROM (SELECT) AS one
  LEFT JOIN LATERAL (
    SELECT max(seq) AS seq, array_agg(encode(entry_hash, 'hex')) AS hashes FROM (
      SELECT seq, entry_hash FROM audit_log_entry
      WHERE domain_id = $1 AND seq >= (SELECT max(seq) FROM audit_log_entry WHERE domain_id = $1) ORDER BY seq OFFSET 0
    ) AS ends HAVING count(*) > 0
  ) AS last ON true
  -- If its primary key was dropped, the table may hold two heads of one chain. The head that does not match the last row
  -- sorts first (false before true, and unknown before both) and is judged.
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
  is_standby: boolean
  clock: string
}

/** Reads the state of a chain in one query. */
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
    isStandby: row?.is_standby ?? false,
    clock: BigInt(row?.clock ?? 0),
  }
}

/** A chain with a head is restored completely, whatever its row of audit_restore says. */
function restoringOf(row: StateRow | undefined): Restoring | undefined {
  if (row?.restore_mirror == null || row.head_seq !== null) return undefined
  return { mirrorUrl: row.restore_mirror, since: readTime(row.restore_since) }
}
