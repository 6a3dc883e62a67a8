import { AuditError } from '../../base/errors.js'
import type { Finding } from '../../chain/finding.js'
import { copyOf, findingFingerprint, namedByHashes } from '../../chain/finding-fingerprint.js'
import type { SourceName } from '../../ports/verify.js'
import type { Client } from '../session/database.js'
import type { Written } from '../session/written.js'

/** The findings of one statement, whose parameters then have about 300 kB. */
const BATCH = 2_000

/** A new record. No command changes either. */
export interface Recorded {
  readonly id: string
  /** 64 hex digits. */
  readonly fingerprint: string
}

/** Inserts the findings that the quarantine does not hold yet, and returns the new records. */
export async function insertFindings(
  client: Client,
  domainId: string,
  source: SourceName,
  findings: readonly Finding[],
): Promise<readonly Recorded[]> {
  const recorded: Recorded[] = []
  const named = namedByHashes(findings)
  for (let at = 0; at < findings.length; at += BATCH) {
    recorded.push(...(await insertBatch(client, domainId, source, findings.slice(at, at + BATCH), named)))
  }
  return recorded
}

/** Returns how to see the new records of a chain. No command deletes a record. */
export function recordsOf(domainId: string, records: readonly Recorded[]): Written | undefined {
  if (records.length === 0) return undefined
  const ids = records.map(({ id }) => id).join(',')
  const fingerprints = records.map(({ fingerprint }) => fingerprint).join(',')
  return {
    what: `the records of ${records.length} findings of chain ${domainId} in the quarantine`,
    isThere: `(SELECT count(*) FROM audit_tamper_quarantine q
      JOIN unnest('{${ids}}'::bigint[], '{${fingerprints}}'::text[]) AS r(id, fingerprint)
        ON q.id = r.id AND q.domain_id = '${domainId}' AND q.fingerprint = decode(r.fingerprint, 'hex')) = ${records.length}`,
    otherwise: 'some of them were not there',
  }
}

const GIVEN = `
  unnest($3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::boolean[]) AS f (code, seq_from, seq_to, expected, observed, detail, fingerprint, copy, is_named)`

/**
 * A record of a version before 0010 has no fingerprint. It counts as the record of a finding that its hashes name completely
 * (finding-fingerprint.ts). Any other finding that such a version recorded is recorded again.
 */
const IS_THERE = `(
  EXISTS (
    SELECT FROM audit_tamper_quarantine q
    WHERE q.domain_id = $1 AND q.fingerprint = decode(f.fingerprint, 'hex'))
  OR f.is_named AND EXISTS (
    SELECT FROM audit_tamper_quarantine q
    WHERE q.fingerprint IS NULL AND q.domain_id = $1 AND q.code = f.code
      AND q.seq_from = f.seq_from AND q.seq_to = f.seq_to AND q.source IN ($2, f.copy)
      AND coalesce(q.expected_hash, '') = coalesce(decode(f.expected, 'hex'), '')
      AND coalesce(q.observed_hash, '') = coalesce(decode(f.observed, 'hex'), '')))`

/**
 * NOT EXISTS keeps a verify that runs every minute from using up an id for each finding that it has already recorded. ON
 * CONFLICT keeps the row unique if two verifies record the same finding at the same time.
 */
const INSERT = `
  INSERT INTO audit_tamper_quarantine
    (domain_id, divergent_seq, code, seq_from, seq_to, expected_hash, observed_hash, source, detail, fingerprint)
  SELECT $1, f.seq_from, f.code, f.seq_from, f.seq_to,
         decode(f.expected, 'hex'), decode(f.observed, 'hex'), $2, f.detail, decode(f.fingerprint, 'hex')
  FROM ${GIVEN} WHERE NOT ${IS_THERE}
  ON CONFLICT DO NOTHING RETURNING id, encode(fingerprint, 'hex') AS fingerprint`

/** Counts the findings that have no record, and those whose new record ($12: ids) does not hold what was given. */
const ABSENT = `
  SELECT count(*) AS absent FROM ${GIVEN}
  WHERE NOT ${IS_THERE} OR EXISTS (
    SELECT FROM audit_tamper_quarantine q
    WHERE q.domain_id = $1 AND q.fingerprint = decode(f.fingerprint, 'hex') AND q.id = ANY ($12::bigint[])
      AND (q.code, q.seq_from, q.seq_to, q.expected_hash, q.observed_hash, q.source) IS DISTINCT FROM
        (f.code, f.seq_from, f.seq_to, decode(f.expected, 'hex'), decode(f.observed, 'hex'), $2))`

/**
 * Records findings, and returns the new records. Throws `write_undone` if one of them is missing afterwards: a rule or a
 * trigger may drop rows without an error.
 */
async function insertBatch(
  client: Client,
  domainId: string,
  source: SourceName,
  findings: readonly Finding[],
  named: ReadonlySet<Finding>,
): Promise<readonly Recorded[]> {
  const values = [
    domainId,
    source,
    findings.map((finding) => finding.code),
    findings.map((finding) => int8(finding.seqFrom)),
    findings.map((finding) => int8(finding.seqTo)),
    findings.map((finding) => finding.expected ?? null),
    findings.map((finding) => finding.observed ?? null),
    findings.map((finding) => finding.detail),
    findings.map((finding) => findingFingerprint(finding, source)),
    findings.map((finding) => copyOf(finding, source)),
    findings.map((finding) => named.has(finding)),
  ]
  const { rows: added } = await client.query<Recorded>(INSERT, values)
  const ids = added.map(({ id }) => id)
  // Another statement, so that it sees what triggers did.
  const { rows } = await client.query<{ absent: string }>(ABSENT, [...values, ids])
  const absent = Number(rows[0]?.absent)
  if (absent === 0) return added
  throw new AuditError(
    'write_undone',
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
