import type { Finding } from '../chain/finding.js'

/**
 * The integrity of all chains: `diverged` while a finding is unacknowledged; `stalled` if the probe could not check for
 * too long; `pending` until each chain has been verified end to end once; `degraded` if there are findings and all are
 * acknowledged; otherwise `ready`. The first state that applies counts.
 */
export type IntegrityState = 'diverged' | 'stalled' | 'pending' | 'degraded' | 'ready'

/** The source of the readiness state. The state covers all chains together and names none. */
export interface Integrity {
  /** Answers from memory: a probe that hangs must not block the readiness check that reports it. */
  state(): IntegrityState
  /**
   * Reports the findings of a verification: the state is `diverged` when the call returns. The findings are in the
   * quarantine already, or could not be written to it. Never throws.
   */
  report(domainId: string, findings: readonly Finding[]): void
}
