import { wireTime } from '../base/wire-time.js'
import type { QuarantineRecord } from '../ports/quarantine.js'

/** A quarantine record as `audit quarantine` prints it. Hashes are 64 hex digits or absent. */
export interface QuarantineJson {
  readonly id: number
  readonly domain_id: string
  readonly divergent_seq: number
  readonly code: string
  readonly seq_from: number
  readonly seq_to: number
  readonly expected_hash?: string
  readonly observed_hash?: string
  readonly source: string
  readonly detail: string
  readonly fingerprint?: string
  readonly detected_at: string
  readonly acknowledged_at?: string
  readonly acknowledge_reason?: string
}

/** Returns the printed form of a record. */
export function quarantineJson(record: QuarantineRecord): QuarantineJson {
  const { expectedHash, observedHash, acknowledgedAt, acknowledgeReason } = record
  return {
    id: record.id,
    domain_id: record.domainId,
    divergent_seq: record.divergentSeq,
    code: record.code,
    seq_from: record.seqFrom,
    seq_to: record.seqTo,
    ...(expectedHash !== undefined && { expected_hash: expectedHash }),
    ...(observedHash !== undefined && { observed_hash: observedHash }),
    source: record.source,
    detail: record.detail,
    ...(record.fingerprint !== undefined && { fingerprint: record.fingerprint }),
    detected_at: wireTime(record.detectedAt),
    ...(acknowledgedAt !== undefined && { acknowledged_at: wireTime(acknowledgedAt) }),
    ...(acknowledgeReason !== undefined && { acknowledge_reason: acknowledgeReason }),
  }
}
