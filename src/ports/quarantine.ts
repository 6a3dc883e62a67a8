import type { ReadTime } from '../base/wire-time.js'
import type { Finding } from '../chain/finding.js'
import type { SourceName } from './verify.js'

/** A finding that a verifier wrote to the quarantine. */
export interface QuarantineRecord {
  readonly id: number
  readonly domainId: string
  readonly code: string
  readonly divergentSeq: number
  readonly seqFrom: number
  readonly seqTo: number
  readonly expectedHash?: string | undefined
  readonly observedHash?: string | undefined
  readonly source: string
  readonly detail: string
  readonly detectedAt: ReadTime | undefined
  readonly acknowledgedAt?: ReadTime | undefined
  readonly acknowledgeReason?: string | undefined
}

export interface QuarantineFilter {
  /** Absent: all chains. */
  readonly domainId?: string | undefined
  readonly unacknowledgedOnly: boolean
}

export interface QuarantineStore {
  /**
   * Writes one record for each finding that has none yet, and returns the number of new records. Rejects with
   * `database_permission_denied` or `database_read_only` if the role or the server cannot write.
   */
  record(domainId: string, source: SourceName, findings: readonly Finding[]): Promise<number>
  /** Returns the first `limit` records after id `after`, ordered by id. */
  page(
    filter: QuarantineFilter,
    range: { after: number; limit: number },
  ): Promise<readonly QuarantineRecord[]>
  find(id: number): Promise<QuarantineRecord | undefined>
  /**
   * Marks a record as acknowledged after `announce` has resolved, under a lock on the record: of two concurrent calls one
   * announces. If the process dies in between, the record is not acknowledged and the call can be repeated. Rejects with
   * `quarantine_not_found`, with `already_acknowledged`, and with the error of `announce`.
   */
  acknowledge(
    id: number,
    reason: string,
    announce: (record: QuarantineRecord) => Promise<void>,
  ): Promise<QuarantineRecord>
}
