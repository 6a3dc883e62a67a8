import { LIMITS } from '../../chain/limits.js'
import { DOMAIN_PREFIX, SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { ArchiveLedger, LedgerRow, LedgerState } from '../../ports/archive.js'
import type { Client, Database } from '../session/database.js'
import { microsOf, readTime } from '../session/read-time.js'
import { SNAPSHOT_BEGIN } from '../session/snapshot.js'

/** A row with an infinite or future recorded_at has a lag of zero. */
const STATE = `
  SELECT d.mirror_url,
    d.domain_id IS NOT NULL OR EXISTS (
      SELECT FROM audit_log_entry
      WHERE domain_id = $2 AND relation = '${SELF_AUDIT.chainCreate}' AND object = '${DOMAIN_PREFIX}' || $1::uuid::text) AS known,
    (SELECT max(seq) FROM audit_log_entry WHERE domain_id = $1 AND seq <= ${LIMITS.maxSeq}) AS last_seq,
    ${microsOf('clock_timestamp()')} AS clock,
    (SELECT CASE WHEN isfinite(recorded_at)
       THEN greatest(extract(epoch FROM clock_timestamp()) - extract(epoch FROM recorded_at), 0) END
     FROM audit_log_entry WHERE domain_id = $1 AND archived_at IS NULL AND seq >= 1 ORDER BY seq LIMIT 1) AS lag
  FROM (SELECT) AS one LEFT JOIN audit_domain d ON d.domain_id = $1`

/** Groups by seq, so that a page never ends between two rows with the same seq. */
const PAGE = `
  SELECT seq, ${microsOf('min(archived_at)')} AS archived_at FROM audit_log_entry
  WHERE domain_id = $1 AND seq > $2 AND seq <= $3 GROUP BY seq ORDER BY seq LIMIT $4`

interface StateRow {
  readonly mirror_url: string | null
  readonly known: boolean
  readonly last_seq: string | null
  readonly clock: string
  readonly lag: string | null
}

/** Reads the stamps of archived rows. Implements ArchiveLedger. */
export function postgresArchiveLedger(database: Database): ArchiveLedger {
  return {
    state: (domainId) => database.withTransaction(SNAPSHOT_BEGIN, (client) => state(client, domainId)),
    page: (domainId, { after, toSeq, limit }) =>
      database.withTransaction(SNAPSHOT_BEGIN, async (client) => {
        const { rows } = await client.query<{ seq: string; archived_at: string | null }>(PAGE, [
          domainId,
          after,
          toSeq,
          limit,
        ])
        return rows.map((row): LedgerRow => ({ seq: Number(row.seq), archivedAt: readTime(row.archived_at) }))
      }),
  }
}

async function state(client: Client, domainId: string): Promise<LedgerState> {
  const { rows } = await client.query<StateRow>(STATE, [domainId, PLATFORM_ANCHOR])
  const [row] = rows
  return {
    known: domainId === PLATFORM_ANCHOR || row?.known === true,
    mirrorUrl: row?.mirror_url ?? undefined,
    lastSeq: Number(row?.last_seq ?? 0),
    clock: BigInt(row?.clock ?? 0),
    lagSeconds: Number(row?.lag ?? 0),
  }
}
