import type { ErrorCode } from '../base/errors.js'
import type { IntegrityState } from '../ports/integrity.js'
import type { Progress } from './progress.js'
import type { ProbeSettings } from './schedule.js'

/** What the readiness state is computed from, all of it in memory. Times are milliseconds of one monotonic clock. */
export interface ReadinessInputs {
  /** Unacknowledged findings: in the quarantine, not yet written to it, or removed from it. */
  readonly open: number
  readonly acknowledged: number
  /** Whether every chain that existed at the start has been verified end to end. */
  readonly isFirstPassDone: boolean
  /** When the quarantine was last read. */
  readonly quarantineReadAt: number
  /** When the list of chains was last read. */
  readonly glanceAt: number
  readonly chains: Iterable<Progress>
}

/** Milliseconds that a pass may be late in addition to the intervals that the operator chose. */
const SLACK = 60_000

/** Failures that may pass by themselves. */
const MAY_PASS: ReadonlySet<ErrorCode> = new Set(['database_unavailable', 'lock_timeout', 'outcome_unknown'])

/** Returns the worst state that applies. `stalled` wins over `pending`: it says why chains stay pending. */
export function assess(inputs: ReadinessInputs, settings: ProbeSettings, now: number): IntegrityState {
  if (inputs.open > 0) return 'diverged'
  if (isStalled(inputs, settings, now)) return 'stalled'
  if (!inputs.isFirstPassDone) return 'pending'
  return inputs.acknowledged > 0 ? 'degraded' : 'ready'
}

function isStalled(
  { quarantineReadAt, glanceAt, chains }: ReadinessInputs,
  settings: ProbeSettings,
  now: number,
): boolean {
  if (now - quarantineReadAt > settings.patience || now - glanceAt > 3 * settings.every + settings.patience)
    return true
  for (const chain of chains)
    if (isUncheckable(chain, settings, now) || isOverdue(chain, settings, now)) return true
  return false
}

/** Returns whether the chain cannot be checked, for a reason that does not pass by itself or that has lasted too long. */
export function isUncheckable({ failures }: Progress, { patience }: ProbeSettings, now: number): boolean {
  return Object.values(failures).some(
    (failure) => failure !== undefined && (!MAY_PASS.has(failure.code) || now - failure.since > patience),
  )
}

/** Returns whether a full pass is missing for twice the interval. A pass that is only late is a matter for an alert. */
function isOverdue({ fullAt, boot }: Progress, { fullEvery }: ProbeSettings, now: number): boolean {
  return boot === undefined && fullAt !== undefined && now - fullAt > 2 * fullEvery + SLACK
}
