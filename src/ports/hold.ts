import type { ReadTime } from '../base/wire-time.js'
import type { AppendItem, Placed } from './append.js'

/** What a legal hold covers: a whole chain, or what the chain holds about one subject. */
export interface HoldTarget {
  readonly domainId: string
  /** 64 hex digits; absent: the whole chain. */
  readonly pseudonym?: string | undefined
  /** Covers every subject whose mapping names this identity, mappings that come later included. */
  readonly identityId?: string | undefined
}

export interface HoldRecord extends HoldTarget {
  readonly id: number
  /** Empty if it was blanked when the person was erased. */
  readonly reason: string
  readonly placedAt: ReadTime | undefined
  readonly releasedAt?: ReadTime | undefined
  readonly releaseReason?: string | undefined
}

export interface HoldFilter {
  /** Absent: all chains. */
  readonly domainId?: string | undefined
  readonly inForceOnly: boolean
}

/**
 * Stores legal holds. Placing or releasing one is a transaction with its self-audit row under the chain's lock, so that
 * every erasure and purge runs either before or after it. Both reject with the errors of an append.
 */
export interface HoldStore {
  place(
    target: HoldTarget,
    reason: string,
    selfAudit: (id: number) => AppendItem,
  ): Promise<{ hold: HoldRecord; auditRow: Placed }>
  /** Releases a hold and deletes its identity. Rejects with `hold_not_found` or `already_released`. */
  release(
    hold: HoldRecord,
    reason: string,
    selfAudit: AppendItem,
  ): Promise<{ hold: HoldRecord; auditRow: Placed }>
  find(id: number): Promise<HoldRecord | undefined>
  /** Returns the first `limit` holds after the id `after`, by id. */
  page(filter: HoldFilter, range: { after: number; limit: number }): Promise<readonly HoldRecord[]>
}
