import { AuditError, type ErrorCode } from '../base/errors.js'
import { ReportedFailures } from '../base/reported-failures.js'
import { stackFrames } from '../base/stack-frames.js'
import type { ProbeLog } from '../ports/reconcile.js'

/**
 * What failed: listing the chains, reading how far they are signed, reading the quarantine, saving progress, verifying a chain,
 * recording its findings.
 */
export type FailureKind = 'chains' | 'signed' | 'quarantine' | 'progress' | 'chain' | 'findings'

/** Counts every failure of the probe, and logs a lasting one when it begins, when its code changes and when it ends. */
export class FailureLog {
  readonly #log: ProbeLog
  readonly #onNewerSchema: (error: AuditError) => void
  readonly #reported = new ReportedFailures()
  readonly counts = new Map<ErrorCode, number>()

  /** `onNewerSchema` is called at each failure that lasts because a newer program has migrated the database. */
  constructor(log: ProbeLog, onNewerSchema: (error: AuditError) => void) {
    this.#log = log
    this.#onNewerSchema = onNewerSchema
  }

  /** Returns the code that the failure is counted under. */
  add(what: FailureKind, error: unknown, domainId?: string): ErrorCode {
    const code = error instanceof AuditError ? error.code : 'internal'
    if (error instanceof AuditError && code === 'schema_newer') this.#onNewerSchema(error)
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1)
    if (!this.#reported.begin(`${what}/${domainId}`, code)) return code
    const bug = code === 'internal' && error instanceof Error ? { stack: stackFrames(error) } : {}
    this.#log.error({ what, ...idOf(domainId), error: code, ...bug }, 'could not check')
    return code
  }

  clear(what: FailureKind, domainId?: string): void {
    if (this.#reported.end(`${what}/${domainId}`))
      this.#log.info({ what, ...idOf(domainId) }, 'can check again')
  }
}

function idOf(domainId: string | undefined): { domainId?: string } {
  return domainId === undefined ? {} : { domainId }
}
