import type { ErrorCode } from '../base/errors.js'
import type { IntegrityState } from '../ports/integrity.js'
import type { Progress } from './progress.js'
import type { ProbeSettings } from './schedule.js'

/** What readiness is told from, all of it in memory. Times are milliseconds of one monotonic clock. */
export interface Signs {
  /** Findings that are not acknowledged: in the quarantine, not yet there, or gone from there. */
  readonly open: number
  readonly acknowledged: number
  /** Whether every chain that there was at the start has been verified end to end. */
  readonly isFirstPassDone: boolean
  /** When Postgres last told what stands in the quarantine, and which chains there are. */
  readonly quarantineReadAt: number
  readonly glanceAt: number
  readonly chains: Iterable<Progress>
}

/** Milliseconds that a pass may be late beside the intervals that the operator chose. */
const SLACK = 60_000

const MAY_PASS: ReadonlySet<ErrorCode> = new Set(['database_unavailable', 'outcome_unknown'])

/** The worst first, but for `pending` where something keeps it so: then that is the reason to be told. */
export function assess(signs: Signs, settings: ProbeSettings, now: number): IntegrityState {
  if (signs.open > 0) return 'diverged'
  if (isStalled(signs, settings, now)) return 'stalled'
  if (!signs.isFirstPassDone) return 'pending'
  return signs.acknowledged > 0 ? 'degraded' : 'ready'
}

function isStalled(
  { quarantineReadAt, glanceAt, chains }: Signs,
  settings: ProbeSettings,
  now: number,
): boolean {
  if (now - quarantineReadAt > settings.patience || now - glanceAt > 3 * settings.every + settings.patience)
    return true
  for (const chain of chains)
    if (isUncheckable(chain, settings, now) || isOverdue(chain, settings, now)) return true
  return false
}

/** Whether it cannot be checked, for a reason that does not pass by itself or has lasted. */
export function isUncheckable({ failures }: Progress, { patience }: ProbeSettings, now: number): boolean {
  return Object.values(failures).some(
    (failure) => failure !== undefined && (!MAY_PASS.has(failure.code) || now - failure.since > patience),
  )
}

/** Twice the interval: a pass that is merely late is an alert, one that does not happen is no integrity. */
function isOverdue({ fullAt, boot }: Progress, { fullEvery }: ProbeSettings, now: number): boolean {
  return boot === undefined && fullAt !== undefined && now - fullAt > 2 * fullEvery + SLACK
}
