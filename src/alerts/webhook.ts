import { createHash, randomUUID } from 'node:crypto'
import type { Finding } from '../chain/finding.js'
import type { Alerts, Divergence, NotSigned, SigningAlerts } from '../ports/alerts.js'
import { deliver, RETRY_LIMITS, type RetryLimits } from './deliver.js'
import type { WebhookSettings } from './settings.js'
import type { AlertWindow } from './window.js'

export interface WebhookDeps {
  readonly settings: WebhookSettings
  readonly window: AlertWindow
  /** Prints a line about alerts that could not be delivered. */
  readonly warn: (line: string) => void
  /** Aborts when the program is asked to stop. */
  readonly signal: AbortSignal
  readonly limits?: RetryLimits
}

/** Alerts sent at once; more are queued. */
const CONCURRENCY = 4

interface Alert {
  readonly key: string
  readonly body: string
}

/** Sends alerts to a webhook, in the background (docs/alerts.md). */
export class WebhookAlerts implements Alerts, SigningAlerts {
  readonly #deps: WebhookDeps
  readonly #stop = new AbortController()
  #waiting: Alert[] = []
  readonly #sending = new Set<Promise<void>>()
  #lost = 0

  constructor(deps: WebhookDeps) {
    this.#deps = deps
    const { drain } = deps.limits ?? RETRY_LIMITS
    const end = () => setTimeout(() => this.#stop.abort(), drain).unref()
    if (deps.signal.aborted) end()
    else deps.signal.addEventListener('abort', end, { once: true })
  }

  raise(divergence: Divergence): void {
    for (const code of new Set(divergence.findings.map((finding) => finding.code))) {
      const findings = divergence.findings.filter((finding) => finding.code === code)
      this.#queue(alertOf(divergence, findings))
    }
    this.#sendNext()
  }

  notSigned(chain: NotSigned): void {
    this.#queue(notSignedAlert(chain))
    this.#sendNext()
  }

  #queue(alert: Alert): void {
    if (!this.#waiting.some(({ key }) => key === alert.key)) this.#waiting.push(alert)
  }

  async settled(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending)
    if (this.#lost > 0) this.#deps.warn(`note: ${this.#lost} more alerts were not delivered`)
    this.#lost = 0
  }

  #sendNext(): void {
    while (this.#sending.size < CONCURRENCY) {
      const alert = this.#waiting.shift()
      if (alert === undefined) return
      const sending: Promise<void> = this.#send(alert).finally(() => {
        this.#sending.delete(sending)
        this.#sendNext()
      })
      this.#sending.add(sending)
    }
  }

  async #send({ key, body }: Alert): Promise<void> {
    const { settings, window, warn, limits = RETRY_LIMITS } = this.#deps
    if (!(await window.claim(key))) return
    const problem = await deliver(settings, body, limits, this.#stop.signal)
    if (problem === undefined) return
    await window.release(key)
    // Drop the queued alerts: otherwise a webhook that is down costs its timeouts once for every chain.
    this.#lost += this.#waiting.length
    this.#waiting = []
    warn(`note: an alert was not delivered to ${settings.url.host}: ${problem}`)
  }
}

/** Returns the alert for one kind of finding on one chain. It holds seqs and hashes, and no text of rows. */
function alertOf({ domainId, source }: Divergence, findings: readonly Finding[]): Alert {
  const [first] = findings
  const code = first?.code ?? ''
  const key = dedupKey(domainId, code)
  const body = JSON.stringify({
    type: 'audit.divergence',
    id: randomUUID(),
    raised_at: new Date().toISOString(),
    domain_id: domainId,
    source,
    code,
    findings: findings.length,
    seq_from: first?.seqFrom,
    seq_to: first?.seqTo,
    expected: first?.expected,
    observed: first?.observed,
    dedup_key: key,
  })
  return { key, body }
}

function notSignedAlert({ domainId, reason, since }: NotSigned): Alert {
  const type = 'audit.not_signed'
  const key = dedupKey(domainId, `${type}:${reason}`)
  const body = JSON.stringify({
    type,
    id: randomUUID(),
    raised_at: new Date().toISOString(),
    domain_id: domainId,
    reason,
    since: new Date(since).toISOString(),
    dedup_key: key,
  })
  return { key, body }
}

function dedupKey(domainId: string, what: string): string {
  return createHash('sha256').update(`${domainId}:${what}`).digest('hex')
}
