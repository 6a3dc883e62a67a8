import type { ReadTime } from '../base/wire-time.js'
import type { Finding } from '../chain/finding.js'
import type { SourceName } from './verify.js'

/** A finding that a verifier wrote down. */
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
  /** Absent: of all chains. */
  readonly domainId?: string | undefined
  readonly unacknowledgedOnly: boolean
}

export interface QuarantineStore {
  /**
   * Writes one row a finding, and none for one that stands there already; resolves with how many are new. Rejects with
   * `database_permission_denied` or `database_read_only` where the role or the server cannot write.
   */
  record(domainId: string, source: SourceName, findings: readonly Finding[]): Promise<number>
  /** By id, the first `limit` after id `after`. */
  page(
    filter: QuarantineFilter,
    range: { after: number; limit: number },
  ): Promise<readonly QuarantineRecord[]>
  find(id: number): Promise<QuarantineRecord | undefined>
  /**
   * Marks one as acknowledged after `announce` has resolved, under a lock on its row: two at once announce once. If the
   * process dies in between, the record is not acknowledged and the call may be repeated. Rejects with
   * `quarantine_not_found` or `already_acknowledged`, and with whatever `announce` rejects with.
   */
  acknowledge(
    id: number,
    reason: string,
    announce: (record: QuarantineRecord) => Promise<void>,
  ): Promise<QuarantineRecord>
}
