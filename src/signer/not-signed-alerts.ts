import type { SigningAlerts } from '../ports/alerts.js'

/** What a pass of the signer says of one chain. A chain that was signed has no reason. */
interface PassResult {
  readonly domainId: string
  readonly reason?: string | undefined
}

interface Known {
  readonly reason: string
  /** Milliseconds since 1970. */
  readonly since: number
}

/**
 * Raises an alert for each chain that the signer does not sign: when the reason appears, and when it changes. A reason that
 * lasts is not raised again, and one that went away and came back is (tlog.md, section 11).
 */
export class NotSignedAlerts {
  readonly #alerts: SigningAlerts
  readonly #now: () => number
  #known: ReadonlyMap<string, Known> = new Map()

  /** `now` returns milliseconds since 1970. */
  constructor(alerts: SigningAlerts, now: () => number = Date.now) {
    this.#alerts = alerts
    this.#now = now
  }

  /** Takes the results of one whole pass. A chain that is not among them has nothing to sign. */
  report(results: readonly PassResult[]): void {
    const known = new Map<string, Known>()
    for (const { domainId, reason } of results) {
      if (reason === undefined) continue
      const before = this.#known.get(domainId)
      const isNew = before?.reason !== reason
      const one = isNew ? { reason, since: this.#now() } : before
      known.set(domainId, one)
      if (isNew) this.#alerts.notSigned({ domainId, ...one })
    }
    this.#known = known
  }
}
