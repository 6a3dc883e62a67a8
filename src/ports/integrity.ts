import type { Finding } from '../chain/finding.js'

/**
 * What is known of the chains' integrity, the worst first: `diverged` as long as a finding stands unacknowledged;
 * `pending` until each chain has been verified end to end once; `stalled` where the probe could not check for too long;
 * `degraded` when every finding has been acknowledged; `ready` otherwise.
 */
export type IntegrityState = 'diverged' | 'pending' | 'stalled' | 'degraded' | 'ready'

/** What readiness means: integrity. Tells of all chains together, and so names none. */
export interface Integrity {
  /** Answered from memory: a probe that hangs must not hang the readiness that would tell of it. */
  state(): IntegrityState
  /**
   * AuditActions of what a verify found, by whoever found it: the state is `diverged` when the call returns. The findings are in
   * the quarantine already, or could not be written there. Never throws.
   */
  report(domainId: string, findings: readonly Finding[]): void
}
