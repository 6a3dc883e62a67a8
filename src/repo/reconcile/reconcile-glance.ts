import { LIMITS } from '../../chain/limits.js'
import type { ChainGlance, Glance } from '../../ports/reconcile.js'
import { countsFor, isStamped } from '../session/archive-stamp.js'
import type { Client, Database } from '../session/database.js'
import { SNAPSHOT_BEGIN } from '../session/snapshot.js'
import { LAST_OF_HEAD } from '../verify/chain-expressions.js'
import { knownChains } from '../verify/known-chains.js'

/** The last rows of a chain, which are compared with the stamps whatever the watermark says. */
const LAST_ROWS = 100

/** The last stamp of a chain that counts. */
const LAST_STAMP = `
    SELECT s.seq FROM audit_archive_stamp s
    WHERE s.domain_id = c.id AND s.seq <= last.seq AND (
      SELECT ${countsFor('e', 's')} FROM audit_log_entry e WHERE e.domain_id = s.domain_id AND e.seq = s.seq LIMIT 1)
    ORDER BY s.seq DESC LIMIT 1`

/**
 * Selects only the ends of each chain, by a few index probes, however long the chain is. A row beyond the largest seq of
 * the format does not count as an end; a scan to the end of the chain reads it. The first row without a stamp is looked for above the
 * watermark of the archiver. A watermark can be forced, and never sinks, but the archiver never raises it above the last stamp.
 * So a row after the last stamp is found in any case. No verdict is made from this figure.
 */
const GLANCE = `
  SELECT c.id::text AS domain_id, head.seq AS head_seq, head.hash AS head_hash, last.seq AS last_seq,
    last.hash AS last_hash, waiting.seq AS waiting_seq, waiting.lag
  FROM unnest($1::uuid[]) AS c(id)
  LEFT JOIN LATERAL (
    SELECT ${LAST_OF_HEAD} AS seq, encode(head_hash, 'hex') AS hash FROM audit_log_chain_head
    WHERE domain_id = c.id LIMIT 1
  ) AS head ON true
  LEFT JOIN LATERAL (
    SELECT seq, encode(entry_hash, 'hex') AS hash FROM audit_log_entry
    WHERE domain_id = c.id AND seq <= ${LIMITS.maxSeq} ORDER BY seq DESC LIMIT 1
  ) AS last ON true
  LEFT JOIN LATERAL (
    SELECT seq, CASE WHEN isfinite(recorded_at)
      THEN greatest(extract(epoch FROM clock_timestamp() - recorded_at), 0) END AS lag
    FROM audit_log_entry e
    WHERE domain_id = c.id AND seq > coalesce(
      (SELECT least(w.seq, coalesce((${LAST_STAMP}), 0), last.seq - ${LAST_ROWS}) FROM audit_archive_watermark w WHERE w.domain_id = c.id), 0)
      AND NOT (${isStamped('e')})
    ORDER BY seq LIMIT 1
  ) AS waiting ON true`

interface GlanceRow {
  readonly domain_id: string
  readonly head_seq: string | null
  readonly head_hash: string | null
  readonly last_seq: string | null
  readonly last_hash: string | null
  readonly waiting_seq: string | null
  readonly lag: string | null
}

/** Returns the known chains and their ends, as of one snapshot. */
export function glance(database: Database): Promise<Glance> {
  return database.withTransaction(SNAPSHOT_BEGIN, async (client) => {
    const known = await knownChains(client)
    return { known, chains: await ends(client, known.domainIds) }
  })
}

async function ends(client: Client, domainIds: readonly string[]): Promise<ChainGlance[]> {
  const { rows } = await client.query<GlanceRow>(GLANCE, [domainIds])
  return rows.map((row) => ({
    domainId: row.domain_id,
    ...(row.head_seq !== null && { head: { seq: Number(row.head_seq), hash: row.head_hash ?? '' } }),
    ...(row.last_seq !== null && { last: { seq: Number(row.last_seq), hash: row.last_hash ?? undefined } }),
    ...(row.waiting_seq !== null && {
      waiting: { seq: Number(row.waiting_seq), lagSeconds: Number(row.lag ?? 0) },
    }),
  }))
}
