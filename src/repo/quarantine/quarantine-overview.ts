import { FINDING_CODES, type FindingCode } from '../../chain/finding.js'
import { SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { FindingKey, QuarantineCount, QuarantineOverview } from '../../ports/reconcile.js'
import type { Client, Database } from '../session/database.js'
import { SNAPSHOT_BEGIN } from '../session/snapshot.js'

/** A text that changes whenever the records change. It counts 1000 open records at most: a larger count makes no difference. */
const MARK = `
  SELECT concat_ws('/', (SELECT max(id) FROM audit_tamper_quarantine), (
    SELECT count(*) FROM (SELECT FROM audit_tamper_quarantine WHERE acknowledged_at IS NULL LIMIT 1000) AS open
  )) AS mark`

/**
 * True for a record that was acknowledged with a row on a chain. If no such row exists, somebody set acknowledged_at by hand.
 * The redundant substr matches the index audit_log_entry_by_object_id.
 */
const ACKNOWLEDGED = `
  acknowledged_at IS NOT NULL AND EXISTS (
    SELECT FROM audit_log_entry e WHERE e.domain_id IN (q.domain_id, $1)
      AND substr(e.object, strpos(e.object, ':') + 1) = q.id::text AND e.object = 'quarantine:' || q.id::text
      AND e.relation = '${SELF_AUDIT.quarantineAcknowledge}')`

const COUNTS = `
  SELECT code, ${ACKNOWLEDGED} AS acknowledged, count(*) AS count FROM audit_tamper_quarantine q GROUP BY 1, 2`

/** A record without a fingerprint is of a version before 0010, and counts only if it names a single row. */
const KEYS = `
  SELECT domain_id, encode(fingerprint, 'hex') AS fingerprint, code, seq_from AS seq,
    encode(expected_hash, 'hex') AS expected, encode(observed_hash, 'hex') AS observed
  FROM audit_tamper_quarantine q
  WHERE (fingerprint IS NOT NULL OR source = 'postgres' AND seq_from = seq_to) AND ${ACKNOWLEDGED}
  ORDER BY id DESC LIMIT $2`

interface KeyRow {
  readonly domain_id: string
  readonly fingerprint: string | null
  readonly code: string
  readonly seq: string
  readonly expected: string | null
  readonly observed: string | null
}

/** Reads counts and keys of the quarantine's records. A policy that hides records is an error. Implements QuarantineOverview. */
export function postgresQuarantineOverview(database: Database): QuarantineOverview {
  const inSnapshot = <T>(use: (client: Client) => Promise<T>) => database.withTransaction(SNAPSHOT_BEGIN, use)
  return {
    mark: () =>
      inSnapshot(async (client) => (await client.query<{ mark: string }>(MARK)).rows[0]?.mark ?? ''),
    read: (limit) =>
      inSnapshot(async (client) => ({
        counts: await counts(client),
        acknowledged: await keys(client, limit),
      })),
  }
}

async function counts(client: Client): Promise<QuarantineCount[]> {
  const { rows } = await client.query<{ code: string; acknowledged: boolean; count: string }>(COUNTS, [
    PLATFORM_ANCHOR,
  ])
  return rows.map(({ code, acknowledged, count }) => ({
    code: isCode(code) ? code : 'other',
    acknowledged,
    count: Number(count),
  }))
}

/** The column may hold any text, so a code is checked. */
function isCode(code: string): code is FindingCode {
  return (FINDING_CODES as readonly string[]).includes(code)
}

async function keys(client: Client, limit: number): Promise<FindingKey[]> {
  const { rows } = await client.query<KeyRow>(KEYS, [PLATFORM_ANCHOR, limit])
  return rows.map((row) => ({
    domainId: row.domain_id,
    fingerprint: row.fingerprint ?? undefined,
    code: row.code,
    seq: Number(row.seq),
    expected: row.expected ?? undefined,
    observed: row.observed ?? undefined,
  }))
}
