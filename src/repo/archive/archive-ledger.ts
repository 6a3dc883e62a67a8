import { NO_CLAIMS } from '../../base/domain-claims.js'
import { LIMITS } from '../../chain/limits.js'
import { DOMAIN_PREFIX, SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { ArchiveLedger, LedgerRow, LedgerState } from '../../ports/archive.js'
import { type ClaimsRow, claimsColumns, readClaims } from '../query/domain-claims.js'
import { countsFor } from '../session/archive-stamp.js'
import type { Client, Database } from '../session/database.js'
import { microsOf, readTime } from '../session/read-time.js'
import { SCAN_BEGIN, SNAPSHOT_BEGIN } from '../session/snapshot.js'

const STATE = `
  SELECT ${claimsColumns('$1::uuid')},
    EXISTS (SELECT FROM audit_domain WHERE domain_id = $1) OR EXISTS (
      SELECT FROM audit_log_entry
      WHERE domain_id = $2 AND relation = '${SELF_AUDIT.chainCreate}' AND object = '${DOMAIN_PREFIX}' || $1::uuid::text) AS known,
    (SELECT max(seq) FROM audit_log_entry WHERE domain_id = $1 AND seq <= ${LIMITS.maxSeq}) AS last_seq,
    ${microsOf('clock_timestamp()')} AS clock`

/** A row with an infinite or future recorded_at has an age of zero. */
const AGE = `
  SELECT CASE WHEN isfinite(recorded_at)
    THEN greatest(extract(epoch FROM clock_timestamp()) - extract(epoch FROM recorded_at), 0) END AS age
  FROM audit_log_entry WHERE domain_id = $1 AND seq = $2 LIMIT 1`

/** Groups by seq, so that a page never ends between two rows with the same seq. */
const PAGE = `
  SELECT e.seq, ${microsOf('min(s.archived_at)')} AS archived_at,
    (array_agg(encode(e.entry_hash, 'hex')))[1] AS entry_hash FROM audit_log_entry e
  LEFT JOIN audit_archive_stamp s ON s.domain_id = $1 AND s.seq = e.seq AND s.seq > $2 AND s.seq <= $3 AND ${countsFor('e', 's')}
  WHERE e.domain_id = $1 AND e.seq > $2 AND e.seq <= $3 GROUP BY e.seq ORDER BY e.seq LIMIT $4`

/** A hash join would read the stamps of the whole chain for each page. */
const PAGE_BEGIN = `${SCAN_BEGIN}; SET LOCAL enable_hashjoin = off`

interface StateRow extends ClaimsRow {
  readonly known: boolean
  readonly last_seq: string | null
  readonly clock: string
}

interface PageRow {
  readonly seq: string
  readonly archived_at: string | null
  readonly entry_hash: string | null
}

function readRow({ seq, archived_at, entry_hash }: PageRow): LedgerRow {
  return { seq: Number(seq), archivedAt: readTime(archived_at), entryHash: entry_hash ?? undefined }
}

/** Reads the stamps of archived rows. Implements ArchiveLedger. */
export function postgresArchiveLedger(database: Database): ArchiveLedger {
  return {
    state: (domainId) => database.withTransaction(SNAPSHOT_BEGIN, (client) => state(client, domainId)),
    page: (domainId, { after, toSeq, limit }) =>
      database.withTransaction(PAGE_BEGIN, async (client) => {
        const { rows } = await client.query<PageRow>(PAGE, [domainId, after, toSeq, limit])
        return rows.map(readRow)
      }),
    ageSeconds: (domainId, seq) =>
      database.withTransaction(SNAPSHOT_BEGIN, async (client) => {
        const { rows } = await client.query<{ age: string | null }>(AGE, [domainId, seq])
        return Number(rows[0]?.age ?? 0)
      }),
  }
}

async function state(client: Client, domainId: string): Promise<LedgerState> {
  const { rows } = await client.query<StateRow>(STATE, [domainId, PLATFORM_ANCHOR])
  const [row] = rows
  return {
    known: domainId === PLATFORM_ANCHOR || row?.known === true,
    claims: row === undefined ? NO_CLAIMS : readClaims(row),
    lastSeq: Number(row?.last_seq ?? 0),
    clock: BigInt(row?.clock ?? 0),
  }
}
