import { AuditError } from '../../base/errors.js'
import type { QuarantineFilter, QuarantineRecord, QuarantineStore } from '../../ports/quarantine.js'
import type { Client, Database } from '../session/database.js'
import { equals, keysetPage } from '../session/keyset-page.js'
import { microsOf, readTime } from '../session/read-time.js'
import { insertFindings } from './insert-findings.js'

/** Keeps findings in PostgreSQL. Implements QuarantineStore. */
export function postgresQuarantine(database: Database): QuarantineStore {
  return {
    record: (domainId, source, findings) =>
      database.withClient((client) => insertFindings(client, domainId, source, findings)),
    page: (filter, range) => database.withClient((client) => page(client, filter, range)),
    find: (id) => database.withClient((client) => find(client, id, '')),
    acknowledge: (id, reason, announce) =>
      database.withTransaction('BEGIN ISOLATION LEVEL READ COMMITTED', async (client) => {
        await assertOpen(client, id, announce)
        return stamp(client, id, reason)
      }),
  }
}

const COLUMNS = `id, domain_id, code, divergent_seq, seq_from, seq_to, encode(expected_hash, 'hex') AS expected_hash,
  encode(observed_hash, 'hex') AS observed_hash, source, detail, ${microsOf('detected_at')} AS detected_at,
  ${microsOf('acknowledged_at')} AS acknowledged_at, acknowledge_reason`

interface QuarantineRow {
  readonly id: string
  readonly domain_id: string
  readonly code: string
  readonly divergent_seq: string
  readonly seq_from: string
  readonly seq_to: string
  readonly expected_hash: string | null
  readonly observed_hash: string | null
  readonly source: string
  readonly detail: string
  readonly detected_at: string | null
  readonly acknowledged_at: string | null
  readonly acknowledge_reason: string | null
}

async function page(
  client: Client,
  filter: QuarantineFilter,
  range: { after: number; limit: number },
): Promise<QuarantineRecord[]> {
  const rows = await keysetPage<QuarantineRow>(client, {
    select: `SELECT ${COLUMNS} FROM audit_tamper_quarantine`,
    where: (bind) => [
      `id > ${bind(range.after)}`,
      ...equals('domain_id', filter.domainId, bind),
      ...(filter.unacknowledgedOnly ? ['acknowledged_at IS NULL'] : []),
    ],
    key: 'id',
    limit: range.limit,
  })
  return rows.map(readRecord)
}

async function find(
  client: Client,
  id: number,
  lock: '' | 'FOR UPDATE',
): Promise<QuarantineRecord | undefined> {
  const { rows } = await client.query<QuarantineRow>(
    `SELECT ${COLUMNS} FROM audit_tamper_quarantine WHERE id = $1 ${lock}`,
    [id],
  )
  return rows.map(readRecord).at(0)
}

/**
 * Locks an open record and calls `announce`, which uses another connection. The lock is held until the transaction ends.
 */
async function assertOpen(
  client: Client,
  id: number,
  announce: (record: QuarantineRecord) => Promise<void>,
): Promise<void> {
  const found = await find(client, id, 'FOR UPDATE')
  if (found === undefined) throw new AuditError('quarantine_not_found', `no quarantine record has id ${id}`)
  if (found.acknowledgedAt !== undefined) {
    throw new AuditError('already_acknowledged', `quarantine record ${id} is already acknowledged`, {
      advice: { code: 'show_quarantine', id },
    })
  }
  await announce(found)
}

async function stamp(client: Client, id: number, reason: string): Promise<QuarantineRecord> {
  const { rows } = await client.query<QuarantineRow>(
    `UPDATE audit_tamper_quarantine SET acknowledged_at = now(), acknowledge_reason = $2
     WHERE id = $1 RETURNING ${COLUMNS}`,
    [id, reason],
  )
  const [row] = rows
  if (row === undefined) throw new AuditError('quarantine_not_found', `no quarantine record has id ${id}`)
  return readRecord(row)
}

function readRecord(row: QuarantineRow): QuarantineRecord {
  return {
    id: Number(row.id),
    domainId: row.domain_id,
    code: row.code,
    divergentSeq: Number(row.divergent_seq),
    seqFrom: Number(row.seq_from),
    seqTo: Number(row.seq_to),
    expectedHash: row.expected_hash ?? undefined,
    observedHash: row.observed_hash ?? undefined,
    source: row.source,
    detail: row.detail,
    detectedAt: readTime(row.detected_at),
    acknowledgedAt: readTime(row.acknowledged_at),
    acknowledgeReason: row.acknowledge_reason ?? undefined,
  }
}
