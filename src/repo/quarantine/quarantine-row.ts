import type { QuarantineRecord } from '../../ports/quarantine.js'
import { microsOf, readTime } from '../session/read-time.js'

/** The columns of a {@link QuarantineRow}. */
export const QUARANTINE_COLUMNS = `id, domain_id, code, divergent_seq, seq_from, seq_to, encode(expected_hash, 'hex') AS expected_hash,
  encode(observed_hash, 'hex') AS observed_hash, source, detail, encode(fingerprint, 'hex') AS fingerprint, ${microsOf('detected_at')} AS detected_at,
  ${microsOf('acknowledged_at')} AS acknowledged_at, acknowledge_reason`

export interface QuarantineRow {
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
  readonly fingerprint: string | null
  readonly detected_at: string | null
  readonly acknowledged_at: string | null
  readonly acknowledge_reason: string | null
}

export function readRecord(row: QuarantineRow): QuarantineRecord {
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
    fingerprint: row.fingerprint ?? undefined,
    detectedAt: readTime(row.detected_at),
    acknowledgedAt: readTime(row.acknowledged_at),
    acknowledgeReason: row.acknowledge_reason ?? undefined,
  }
}
