import type { ReadTime } from '../base/wire-time.js'
import type { AppendItem, Placed } from './append.js'

export interface RetentionPolicy {
  /** Rows are never deleted; this is how long a mirror must keep them at least. */
  readonly chainYears: number
  /** How long personal data and contexts are kept. */
  readonly personalDays: number
}

/** What is due on one chain, all of one moment, by the database's clock. */
export interface RetentionState {
  readonly policy: RetentionPolicy
  /** Nobody has set one. */
  readonly isDefault: boolean
  /** What is older than this is past the chain's years. */
  readonly floor: ReadTime
  readonly oldest?: ReadTime | undefined
  /** The last row older than the floor; 0 where there is none. Rows are dense: it is also how many there are. */
  readonly rowsBeyondFloor: number
  /** Personal data older than this is due. */
  readonly cutoff: ReadTime
  readonly mappings: number
  readonly contexts: number
  /** Of those that are past the cutoff and kept by a hold. */
  readonly heldMappings: number
  readonly heldContexts: number
  /** Ids of the holds in force on the whole chain. */
  readonly chainHolds: readonly number[]
}

/** Where a purge goes on. */
export interface PurgePosition {
  readonly afterSeq: number
  /** 64 hex digits, or empty. */
  readonly afterPseudonym: string
}

export interface PurgedBatch {
  readonly mappings: number
  readonly contexts: number
  readonly cutoff: ReadTime
}

export interface PurgeStep extends PurgedBatch {
  /** Absent where the batch had nothing to delete, and nothing was written. */
  readonly auditRow?: Placed | undefined
  /** Absent where nothing is left. */
  readonly next?: PurgePosition | undefined
}

export interface RetentionStore {
  state(domainId: string): Promise<RetentionState>
  /** Sets a policy together with its self-audit row. */
  set(domainId: string, policy: RetentionPolicy, selfAudit: AppendItem): Promise<Placed>
  /**
   * In one transaction under the chain's lock: deletes up to `limit` contexts and up to `limit` mappings that are due and
   * that no hold covers, and appends the row that tells of it. Rejects with `legal_hold` where one covers the whole chain,
   * and as an append does; then nothing has changed.
   */
  purge(
    domainId: string,
    from: PurgePosition,
    limit: number,
    selfAudit: (purged: PurgedBatch) => AppendItem,
  ): Promise<PurgeStep>
}
