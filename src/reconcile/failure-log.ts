import { AuditError, type ErrorCode } from '../base/errors.js'

/** Structured lines. No field holds personal data. */
export interface ProbeLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}

/** What failed: `chains` (which there are), `quarantine`, `progress` (keeping it), `chain` or `findings` (of one chain). */
export type FailureKind = 'chains' | 'quarantine' | 'progress' | 'chain' | 'findings'

/** What could not be checked or done: all of it is counted, and told when it begins, when it changes, and when it ends. */
export class FailureLog {
  readonly #log: ProbeLog
  readonly #told = new Map<string, ErrorCode>()
  readonly counts = new Map<ErrorCode, number>()

  constructor(log: ProbeLog) {
    this.#log = log
  }

  /** The code that it counts as. */
  add(what: FailureKind, error: unknown, domainId?: string): ErrorCode {
    const code = error instanceof AuditError ? error.code : 'internal'
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1)
    const place = `${what}/${domainId}`
    if (this.#told.get(place) === code) return code
    this.#told.set(place, code)
    const bug = code === 'internal' && error instanceof Error ? { stack: framesOf(error) } : {}
    this.#log.error({ what, ...idOf(domainId), error: code, ...bug }, 'could not check')
    return code
  }

  over(what: FailureKind, domainId?: string): void {
    if (this.#told.delete(`${what}/${domainId}`))
      this.#log.info({ what, ...idOf(domainId) }, 'can check again')
  }
}

function idOf(domainId: string | undefined): { domain_id?: string } {
  return domainId === undefined ? {} : { domain_id: domainId }
}

/** Without the message, which may hold anything. */
function framesOf({ stack = '' }: Error): string[] {
  return stack
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '))
    .slice(0, 12)
}
