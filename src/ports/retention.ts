import type { ReadTime } from '../base/wire-time.js'
import type { AppendItem, Placed } from './append.js'

export interface RetentionPolicy {
  /** The minimum number of years that a mirror keeps rows. The database never deletes a row. */
  readonly chainYears: number
  /** The number of days that personal data and contexts are kept. */
  readonly personalDays: number
}

/** What is due on one chain, from one snapshot and by the database's clock. */
export interface RetentionState {
  readonly policy: RetentionPolicy
  /** No policy was set for the chain. */
  readonly isDefault: boolean
  /** Rows older than this are past the chain's years. */
  readonly floor: ReadTime
  readonly oldest?: ReadTime | undefined
  /** The seq of the last row older than the floor, or 0. Seqs have no gaps, so this is also the number of such rows. */
  readonly rowsBeyondFloor: number
  /** Personal data older than this is due. */
  readonly cutoff: ReadTime
  readonly mappings: number
  readonly contexts: number
  /** Reasons for which people were identified. */
  readonly reveals: number
  /** Mappings that are past the cutoff and kept by a hold. */
  readonly heldMappings: number
  /** Contexts that are past the cutoff and kept by a hold. */
  readonly heldContexts: number
  /** Ids of the holds in force on the whole chain. */
  readonly chainHolds: readonly number[]
  /** The last seq with a context or a reason that is due, also where a hold keeps it, or 0. */
  readonly lastDue: number
}

/** Where the next batch of a purge begins. */
export interface PurgePosition {
  readonly afterSeq: number
  /** The last seq with due data when the purge began. Rows behind it are not looked at, so that a batch holds its lock for a short time. */
  readonly upTo: number
  /** 64 hex digits; empty for the first batch. */
  readonly afterPseudonym: string
}

export interface PurgedBatch {
  readonly mappings: number
  readonly contexts: number
  /** Reasons for which people were identified. */
  readonly reveals: number
  readonly cutoff: ReadTime
}

export interface PurgeStep extends PurgedBatch {
  /** Absent if the batch had nothing to delete: nothing was written then. */
  readonly auditRow?: Placed | undefined
  /** Absent after the last batch. */
  readonly next?: PurgePosition | undefined
}

export interface RetentionStore {
  state(domainId: string): Promise<RetentionState>
  /** Sets a policy together with its self-audit row. */
  set(domainId: string, policy: RetentionPolicy, selfAudit: AppendItem): Promise<Placed>
  /**
   * Deletes up to `limit` contexts and up to `limit` mappings that are due and that no hold covers, with the reasons for which
   * these people were identified, and appends the row that records it, in one transaction under the chain's lock. Rejects
   * with `legal_hold` when a hold covers the whole chain, and with the errors of an append; nothing has changed then.
   */
  purge(
    domainId: string,
    from: PurgePosition,
    limit: number,
    selfAudit: (purged: PurgedBatch) => AppendItem,
  ): Promise<PurgeStep>
}
