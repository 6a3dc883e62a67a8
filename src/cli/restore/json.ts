import { wireTime } from '../../base/wire-time.js'
import { wireFinding } from '../../json/finding.js'
import { verifyResult } from '../../json/verify-result.js'
import type { RestoreOutcome } from '../../restore/restore-chain.js'
import { ageSeconds, lagSeconds } from './loss.js'

/** What `archive restore --json` prints of one chain. */
export function outcomeJson(outcome: RestoreOutcome): unknown {
  if (outcome.kind === 'broken') return { ...verifyResult(outcome.mirror), outcome: 'broken' }
  const { domainId: domain_id, both } = outcome
  if (outcome.kind === 'present') {
    return { domain_id, outcome: 'present', rows: both.rows, head: both.head, verify: verifyResult(both) }
  }
  const { rows, head, lastRecordedAt, mirror } = outcome
  const lag = lagSeconds(outcome)
  return {
    domain_id,
    outcome: 'restored',
    rows,
    head,
    last_recorded_at: wireTime(lastRecordedAt),
    ...(lag !== undefined && { mirror_lag_seconds: lag }),
    newest_row_age_seconds: ageSeconds(outcome),
    complete: mirror.ok,
    broken: mirror.findings.map(wireFinding),
    verify: verifyResult(both),
  }
}
