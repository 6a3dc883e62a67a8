import { AuditError } from '../base/errors.js'
import type { Finding } from '../chain/finding.js'
import type { Scan } from '../ports/verify.js'

/**
 * Returns whether a finding only reports rows beyond the end of a standby, which may not have replayed them yet: a row that
 * the mirror has, a signed row, or a pinned head. A standby commits as its primary did, so every other finding counts there too.
 */
export function isBeyondStandby({ code, seqFrom, observed }: Finding, { isStandby, last }: Scan): boolean {
  if (isStandby !== true || seqFrom <= (last?.seq ?? 0)) return false
  return (
    code === 'row_missing' ||
    code === 'checkpoint_rollback' ||
    (code === 'unexpected_head' && observed === undefined)
  )
}

/** Returns the error for a chain with rows beyond the end of a standby. `seq` is one of them. */
export function standbyBehind(domainId: string, { last }: Scan, seq: number): AuditError {
  return new AuditError(
    'standby_behind',
    `chain ${domainId} has row ${seq} elsewhere, and ends with row ${last?.seq ?? 0} on this server, a standby`,
    { advice: { code: 'verify_primary' } },
  )
}
