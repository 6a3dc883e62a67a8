import type { AuditError } from '../../base/errors.js'
import type { ChainHead } from '../../chain/entry.js'
import type { ElsewhereChain } from '../../ports/domains.js'
import type { RowObserver } from '../../ports/verify.js'
import type { Verdict } from '../../verify/verdict.js'

/**
 * Follows a verification. A verification that is followed prints no verdict, records nothing in the quarantine and sends no
 * alert: its caller presents the result.
 */
export interface VerifyWatcher {
  /** Returns what receives the rows of a chain while they are verified. */
  observer(domainId: string): RowObserver
  verified(verdict: Verdict, pins: readonly ChainHead[]): void
  /** A chain of several could not be verified. The error was reported. */
  failed(domainId: string, error: unknown): void
  /** A chain is in another mirror and was not verified. A note says so. */
  elsewhere(chain: ElsewhereChain): void
  /** It is not known whether every chain was verified, or a chain is not verified here. The doubt was reported. */
  doubted(doubt: AuditError): void
}
