import { AuditError } from '../base/errors.js'
import { wireTime } from '../base/wire-time.js'
import type { Finding } from '../chain/finding.js'
import type { Scan } from '../ports/verify.js'

/**
 * Whether a finding is only what a restore that is not through has not put back yet: the head, the registry entry and the
 * rows beyond the last one. Whatever else is wrong with a chain that is being restored is found as ever.
 */
export function isStillToCome({ code, seqFrom, observed }: Finding, { restoring, last }: Scan): boolean {
  if (restoring === undefined) return false
  if (code === 'head_mismatch' || code === 'chain_missing') return true
  const isBeyond = seqFrom > (last?.seq ?? 0)
  return isBeyond && (code === 'row_missing' || (code === 'unexpected_head' && observed === undefined))
}

/**
 * Of a chain that is said to be in the middle of a restore, and in which nothing else was found. It is never intact:
 * whoever takes a head away can also write down that a restore is at it, so this must stay loud.
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
