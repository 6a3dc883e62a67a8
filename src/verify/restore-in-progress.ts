import { AuditError } from '../base/errors.js'
import { wireTime } from '../base/wire-time.js'
import type { Finding } from '../chain/finding.js'
import type { Scan } from '../ports/verify.js'

/**
 * Returns whether a finding only reports what an unfinished restore has not put back yet: the head, the registry entry, the
 * row of the platform chain, and the rows beyond the last one. Every other finding about a chain that is being restored is
 * reported as usual.
 */
export function isStillToCome({ code, seqFrom, observed }: Finding, { restoring, last }: Scan): boolean {
  if (restoring === undefined) return false
  if (code === 'head_mismatch' || code === 'chain_missing' || code === 'chain_unknown') return true
  const isBeyond = seqFrom > (last?.seq ?? 0)
  const isOfRows = code === 'row_missing' || code === 'checkpoint_rollback'
  return isBeyond && (isOfRows || (code === 'unexpected_head' && observed === undefined))
}

/**
 * Returns the error for a chain that is marked as being restored and has no other finding. Such a chain is never reported
 * as intact: an attacker who removes a head can also write the mark, so the verification must fail.
 */
export function restoreUnfinished(domainId: string, { restoring, last }: Scan): AuditError {
  const since = restoring?.since === undefined ? 'an unknown time' : wireTime(restoring.since)
  return new AuditError(
    'restore_unfinished',
    `chain ${domainId}: a restore from ${restoring?.mirrorUrl} was begun at ${since} and has not ended; ` +
      `rows are there up to ${last?.seq ?? 0}, and no chain head`,
    {
      advice: { code: 'finish_restore', domainId },
    },
  )
}
