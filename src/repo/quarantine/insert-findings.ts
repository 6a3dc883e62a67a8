import { AuditError } from '../../base/errors.js'
import type { Finding } from '../../chain/finding.js'
import type { SourceName } from '../../ports/verify.js'
import type { Client } from '../session/database.js'

/** The findings of one statement, whose parameters then have about 300 kB. */
const BATCH = 2_000

/** Inserts the findings that the quarantine does not hold yet, and returns how many are new. */
export async function insertFindings(
  client: Client,
  domainId: string,
  source: SourceName,
  findings: readonly Finding[],
): Promise<number> {
  let written = 0
  for (let at = 0; at < findings.length; at += BATCH) {
    written += await insertBatch(client, domainId, source, findings.slice(at, at + BATCH))
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
async function insertBatch(
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
 * Returns a seq as text for a bigint. As a JS number, a forced seq of 2^63-1 becomes 2^63, which PostgreSQL would reject
 * together with the whole batch.
 */
function int8(value: number): string {
  const exact = BigInt(value)
  return (exact > INT8_MAX ? INT8_MAX : exact).toString()
}
