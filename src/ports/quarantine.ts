import type { ErrorCode } from '../base/errors.js'
import type { ReadTime } from '../base/wire-time.js'
import type { Finding } from '../chain/finding.js'
import type { AppendItem } from './append.js'
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
  /** 64 hex digits over all rows of the finding. Absent for a record of a version that stored none. */
  readonly fingerprint?: string | undefined
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
  /** Returns the records that have these ids, ordered by id. */
  findAll(ids: readonly number[]): Promise<readonly QuarantineRecord[]>
  /**
   * Marks records as acknowledged, and appends the rows of `audits`, in one transaction: all records or none. The ids are
   * distinct. Where an append to a chain fails with a code that `isDamaged` accepts, the platform chain takes its rows. Of
   * two concurrent calls for one record, the second fails. Returns the records, ordered by id. Rejects with
   * `quarantine_not_found`, with `already_acknowledged`, and with the errors of an append.
   */
  acknowledge(
    ids: readonly number[],
    reason: string,
    audits: readonly ChainAudit[],
    isDamaged: (code: ErrorCode) => boolean,
  ): Promise<readonly QuarantineRecord[]>
}

/** The rows that record the acknowledgement of the records of one chain. */
export interface ChainAudit {
  readonly own: AppendItem
  /** The same rows for the platform chain, for a chain that is too damaged. Absent where there is no other chain. */
  readonly onPlatform?: AppendItem | undefined
}
