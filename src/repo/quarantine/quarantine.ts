import { AuditError } from '../../base/errors.js'
import type { Finding } from '../../chain/finding.js'
import type { QuarantineFilter, QuarantineRecord, QuarantineStore } from '../../ports/quarantine.js'
import type { SourceName } from '../../ports/verify.js'
import { equals, keysetPage } from '../query/keyset-page.js'
import type { Client, Database } from '../session/database.js'
import { microsOf, readTime } from '../session/read-time.js'

/** Keeps findings in Postgres. Implements QuarantineStore. */
export function postgresQuarantine(database: Database): QuarantineStore {
  return {
    record: (domainId, source, findings) =>
      database.withClient((client) => record(client, domainId, source, findings)),
    page: (filter, range) => database.withClient((client) => page(client, filter, range)),
    find: (id) => database.withClient((client) => find(client, id, '')),
    acknowledge: (id, reason, announce) =>
      database.withTransaction('BEGIN ISOLATION LEVEL READ COMMITTED', async (client) => {
        await assertOpen(client, id, announce)
        return stamp(client, id, reason)
      }),
  }
}

/** The findings of one statement, whose parameters then have about 300 kB. */
const BATCH = 2_000

async function record(
  client: Client,
  domainId: string,
  source: SourceName,
  findings: readonly Finding[],
): Promise<number> {
  let written = 0
  for (let at = 0; at < findings.length; at += BATCH) {
    written += await recordBatch(client, domainId, source, findings.slice(at, at + BATCH))
  }
  return written
}

const GIVEN = `
  unnest($3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[])
    AS f (code, seq_from, seq_to, expected, observed, detail)`

const IS_THERE = `EXISTS (
  SELECT FROM audit_tamper_quarantine q
  WHERE q.domain_id = $1 AND q.source = $2 AND q.code = f.code
    AND q.seq_from = f.seq_from AND q.seq_to = f.seq_to
    AND coalesce(q.expected_hash, '') = coalesce(decode(f.expected, 'hex'), '')
    AND coalesce(q.observed_hash, '') = coalesce(decode(f.observed, 'hex'), ''))`

/**
 * NOT EXISTS keeps a verify that runs every minute from using up an id for each finding that it has already recorded. ON
 * CONFLICT keeps the row unique if two verifies record the same finding at the same time.
 */
const INSERT = `
  INSERT INTO audit_tamper_quarantine
    (domain_id, divergent_seq, code, seq_from, seq_to, expected_hash, observed_hash, source, detail)
  SELECT $1, f.seq_from, f.code, f.seq_from, f.seq_to,
         decode(f.expected, 'hex'), decode(f.observed, 'hex'), $2, f.detail
  FROM ${GIVEN} WHERE NOT ${IS_THERE}
  ON CONFLICT DO NOTHING`

const ABSENT = `SELECT count(*) AS absent FROM ${GIVEN} WHERE NOT ${IS_THERE}`

/**
 * Records findings, and returns how many are new. Rejects if one of them is missing afterwards: a rule or a trigger may
 * drop rows without an error.
 */
async function recordBatch(
  client: Client,
  domainId: string,
  source: SourceName,
  findings: readonly Finding[],
): Promise<number> {
  const values = [
    domainId,
    source,
    findings.map((finding) => finding.code),
    findings.map((finding) => int8(finding.seqFrom)),
    findings.map((finding) => int8(finding.seqTo)),
    findings.map((finding) => finding.expected ?? null),
    findings.map((finding) => finding.observed ?? null),
    findings.map((finding) => finding.detail),
  ]
  const { rowCount } = await client.query(INSERT, values)
  const { rows } = await client.query<{ absent: string }>(ABSENT, values)
  const absent = Number(rows[0]?.absent)
  if (absent === 0) return rowCount ?? 0
  throw new AuditError(
    'database_failed',
    `Postgres kept ${findings.length - absent} of ${findings.length} findings`,
    {
      advice: { code: 'find_quarantine_trigger' },
    },
  )
}

const INT8_MAX = 2n ** 63n - 1n

/**
 * Returns a seq as text for a bigint. As a JS number, a forced seq of 2^63-1 becomes 2^63, which Postgres would reject
 * together with the whole batch.
 */
function int8(value: number): string {
  const exact = BigInt(value)
  return (exact > INT8_MAX ? INT8_MAX : exact).toString()
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

/** Locks an open record and calls `announce`, which uses another connection. The lock is held until the transaction ends. */
async function assertOpen(
  client: Client,
  id: number,
  announce: (record: QuarantineRecord) => Promise<void>,
): Promise<void> {
  const found = await find(client, id, 'FOR UPDATE')
  if (found === undefined) throw new AuditError('quarantine_not_found', `no quarantine record has id ${id}`)
  if (found.acknowledgedAt !== undefined) {
    throw new AuditError('already_acknowledged', `quarantine record ${id} is acknowledged already`, {
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
