import { wireTime } from '../../base/wire-time.js'
import type { ChangedHold } from '../../erasure/hold.js'
import type { HoldRecord } from '../../ports/hold.js'

/** A legal hold as `audit hold` prints it. */
export interface HoldJson {
  readonly id: number
  readonly domain_id: string
  readonly covers: 'chain' | 'subject' | 'identity'
  readonly subject_pseudonym?: string
  /** Absent once the hold is released. */
  readonly identity_id?: string
  readonly reason: string
  readonly placed_at: string
  readonly released_at?: string
  readonly release_reason?: string
}

/** A hold with the row that records its change. */
export interface ChangedHoldJson extends HoldJson {
  readonly seq: number
  readonly entry_hash: string
}

export function holdJson(hold: HoldRecord): HoldJson {
  const { pseudonym, identityId, releasedAt, releaseReason } = hold
  return {
    id: hold.id,
    domain_id: hold.domainId,
    covers: pseudonym === undefined ? 'chain' : identityId === undefined ? 'subject' : 'identity',
    ...(pseudonym !== undefined && { subject_pseudonym: pseudonym }),
    ...(identityId !== undefined && { identity_id: identityId }),
    reason: hold.reason,
    placed_at: wireTime(hold.placedAt),
    ...(releasedAt !== undefined && { released_at: wireTime(releasedAt) }),
    ...(releaseReason !== undefined && { release_reason: releaseReason }),
  }
}

export function changedHoldJson({ hold, auditRow }: ChangedHold): ChangedHoldJson {
  return { ...holdJson(hold), seq: auditRow.seq, entry_hash: auditRow.entryHash }
}
