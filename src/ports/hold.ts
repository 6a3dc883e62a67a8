import type { ReadTime } from '../base/wire-time.js'
import type { AppendItem, Placed } from './append.js'

/** What a legal hold covers: a whole chain, or what the chain holds of one subject. */
export interface HoldTarget {
  readonly domainId: string
  /** 64 hex digits; absent: the whole chain. */
  readonly pseudonym?: string | undefined
  /** Covers every subject whose mapping says to be this identity, also those that come later. */
  readonly identityId?: string | undefined
}

export interface HoldRecord extends HoldTarget {
  readonly id: number
  /** Empty where it was blanked with the person. */
  readonly reason: string
  readonly placedAt: ReadTime | undefined
  readonly releasedAt?: ReadTime | undefined
  readonly releaseReason?: string | undefined
}

export interface HoldFilter {
  /** Absent: of all chains. */
  readonly domainId?: string | undefined
  readonly inForceOnly: boolean
}

/**
 * Legal holds. Placing and releasing are one transaction with their self-audit row under the chain's lock, so that an
 * erasure or a purge comes before or after; they reject as an append does.
 */
export interface HoldStore {
  place(
    target: HoldTarget,
    reason: string,
    selfAudit: (id: number) => AppendItem,
  ): Promise<{ hold: HoldRecord; auditRow: Placed }>
  /** Rejects with `hold_not_found` or `already_released`. The identity goes with the release. */
  release(
    hold: HoldRecord,
    reason: string,
    selfAudit: AppendItem,
  ): Promise<{ hold: HoldRecord; auditRow: Placed }>
  find(id: number): Promise<HoldRecord | undefined>
  /** By id, the first `limit` after id `after`. */
  page(filter: HoldFilter, range: { after: number; limit: number }): Promise<readonly HoldRecord[]>
}
