import { wireTime } from '../../base/wire-time.js'
import { wireFinding } from '../../json/finding.js'
import { fullVerifyResult } from '../../json/full-verify-result.js'
import type { RestoreOutcome } from '../../restore/restore-chain.js'
import { lagSeconds, newestRow } from './loss.js'

/** What `archive restore --json` prints of one chain. */
export function outcomeJson(outcome: RestoreOutcome): unknown {
  if (outcome.kind === 'broken') return { ...fullVerifyResult(outcome.mirror), outcome: 'broken' }
  const { domainId: domain_id, both } = outcome
  if (outcome.kind === 'present') {
    return { domain_id, outcome: 'present', rows: both.rows, head: both.head, verify: fullVerifyResult(both) }
  }
  const { rows, head, lastRecordedAt, mirror } = outcome
  const lag = lagSeconds(outcome)
  const newest = newestRow(outcome)
  return {
    domain_id,
    outcome: 'restored',
    rows,
    head,
    last_recorded_at: wireTime(lastRecordedAt),
    ...(lag !== undefined && { mirror_lag_seconds: lag }),
    ...('ahead' in newest
      ? { newest_row_ahead_seconds: newest.ahead }
      : { newest_row_age_seconds: newest.age }),
    complete: mirror.ok,
    broken: mirror.findings.map(wireFinding),
    verify: fullVerifyResult(both),
  }
}
