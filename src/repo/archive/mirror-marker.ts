import type { ArchivedChain, MarkerRegistry, StampedRow } from '../../ports/marker.js'
import { type ClaimsRow, claimsColumns, readClaims } from '../query/domain-claims.js'
import { countsFor } from '../session/archive-stamp.js'
import type { Client, Database } from '../session/database.js'
import { microsOf } from '../session/read-time.js'
import { SNAPSHOT_BEGIN } from '../session/snapshot.js'
import { WITH_STORED_CHAINS } from '../session/stored-chains.js'
import { assertWritten, written } from '../session/written.js'

const RECORDED = 'SELECT marker_id::text AS id FROM audit_mirror_marker LIMIT 1'

const IS_RECORDED = 'EXISTS (SELECT FROM audit_mirror_marker)'

const RECORD = 'INSERT INTO audit_mirror_marker (marker_id) VALUES ($1) ON CONFLICT DO NOTHING'

/** The last row with a stamp of a chain. An infinite stamp counts as none. */
const lastStamped = (domainId: string) => `
    SELECT stamp.seq, encode(e.entry_hash, 'hex') AS hash, ${microsOf('stamp.archived_at')} AS stamped_at,
      (SELECT count(*) FROM audit_archive_stamp b WHERE b.domain_id = stamp.domain_id AND b.seq <= stamp.seq) AS stamped_rows
    FROM audit_archive_stamp stamp JOIN audit_log_entry e ON e.domain_id = stamp.domain_id AND e.seq = stamp.seq
    WHERE stamp.domain_id = ${domainId} AND ${countsFor('e', 'stamp')} AND isfinite(stamp.archived_at) ORDER BY stamp.seq DESC LIMIT 1`

const CHAINS = `${WITH_STORED_CHAINS}
  SELECT s.domain_id::text AS id, ${claimsColumns('s.domain_id')}, last.*
  FROM stored s
  LEFT JOIN LATERAL (${lastStamped('s.domain_id')}
  ) AS last ON true
  WHERE s.domain_id IS NOT NULL`

const HASH = `SELECT encode(entry_hash, 'hex') AS hash FROM audit_log_entry WHERE domain_id = $1 AND seq = $2 LIMIT 1`

interface LastRow {
  readonly seq: string | null
  readonly hash: string | null
  readonly stamped_at: string | null
  readonly stamped_rows: string | null
}

type ChainRow = ClaimsRow & LastRow & { readonly id: string }

/** Implements MarkerRegistry. */
export function postgresMarkerRegistry(database: Database): MarkerRegistry {
  const recorded = async (): Promise<string | undefined> =>
    database.withTransaction(SNAPSHOT_BEGIN, async (client) => {
      const { rows } = await client.query<{ id: string }>(RECORDED)
      return rows[0]?.id
    })
  return {
    recorded,
    record: async (id) => {
      const isRecorded = {
        what: 'the id of the mirrors',
        isThere: IS_RECORDED,
        otherwise: 'it was not there',
      }
      const insert = async (client: Client) => {
        await client.query(RECORD, [id])
        await assertWritten(client, isRecorded)
      }
      await database.write(
        insert,
        written(() => isRecorded),
      )
      // Another program may have been first.
      return (await recorded()) ?? id
    },
    chains: () =>
      database.withTransaction(SNAPSHOT_BEGIN, async (client) => {
        const { rows } = await client.query<ChainRow>(CHAINS)
        return rows.map(chainOf)
      }),
    lastStamped: (domainId) =>
      database.withTransaction(SNAPSHOT_BEGIN, async (client) => {
        const { rows } = await client.query<LastRow>(lastStamped('$1'), [domainId])
        return rows[0] === undefined ? undefined : stampedOf(rows[0])
      }),
    hashOf: (domainId, seq) =>
      database.withTransaction(SNAPSHOT_BEGIN, async (client) => {
        const { rows } = await client.query<{ hash: string | null }>(HASH, [domainId, seq])
        return rows[0]?.hash ?? undefined
      }),
  }
}

function chainOf(row: ChainRow): ArchivedChain {
  return { domainId: row.id, claims: readClaims(row), stamped: stampedOf(row) }
}

function stampedOf({ seq, hash, stamped_at, stamped_rows }: LastRow): StampedRow | undefined {
  if (seq === null || stamped_at === null) return undefined
  return { seq: Number(seq), hash: hash ?? '', stampedAt: BigInt(stamped_at), rows: Number(stamped_rows) }
}
