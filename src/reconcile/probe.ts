import type { AuditError } from '../base/errors.js'
import type { Finding } from '../chain/finding.js'
import type { Alerts } from '../ports/alerts.js'
import type { Integrity, IntegrityState } from '../ports/integrity.js'
import type { ProbeLog } from '../ports/reconcile.js'
import { assess } from './assess.js'
import { FailureLog } from './failure-log.js'
import { type Figures, figuresOf } from './figures.js'
import { type FindingsDeps, OpenFindings } from './findings.js'
import type { ProbeSettings } from './schedule.js'
import { WakeableSleep } from './wakeable-sleep.js'
import { ChainWalk, type WalkDeps } from './walk.js'

export interface ProbeDeps
  extends Pick<FindingsDeps, 'quarantine' | 'overview'>,
    Pick<WalkDeps, 'store' | 'source' | 'throttledSource' | 'headsOf' | 'settings'> {
  readonly log: ProbeLog
  readonly alerts: Alerts
}

/** Longest wait between two reads of the quarantine, in milliseconds. Other processes write to it too. */
const POLL = 1_000

/**
 * The reconcile probe. It verifies every chain end to end when it starts, then new rows as they come, and re-verifies
 * every row at an interval. It reports the readiness state that follows (docs/readiness.md).
 */
export class Probe implements Integrity {
  /** Resolves with `schema_newer` once a newer program has changed what the probe reads. The probe runs on until {@link close}. */
  readonly outdated: Promise<AuditError>
  readonly #settings: ProbeSettings
  readonly #alerts: Alerts
  readonly #findings: OpenFindings
  readonly #failures: FailureLog
  readonly #walk: ChainWalk
  readonly #idle = new WakeableSleep()
  readonly #stopping = new AbortController()
  /** When the quarantine was last read. */
  #quarantineReadAt = performance.now()
  #running: Promise<unknown> | undefined

  constructor(deps: ProbeDeps) {
    const { store, source, throttledSource, headsOf, settings, log, quarantine, overview, alerts } = deps
    this.#alerts = alerts
    this.#settings = settings
    let onNewerSchema: (error: AuditError) => void = () => undefined
    this.outdated = new Promise((resolve) => {
      onNewerSchema = resolve
    })
    this.#failures = new FailureLog(log, onNewerSchema)
    this.#findings = new OpenFindings({
      quarantine,
      overview,
      onFound: (domainId, findings) => {
        log.error({ domainId, findings: findings.length }, 'tamper detected')
        alerts.raise({ domainId, source: 'postgres', findings })
      },
      onRecorded: (domainId) => this.#failures.clear('findings', domainId),
      onUnrecorded: (domainId, error) => void this.#failures.add('findings', error, domainId),
      onAdded: (records) => log.error({ records }, 'records were added to the quarantine'),
      onRemoved: (records) => log.error({ records }, 'records were removed from the quarantine'),
    })
    this.#walk = new ChainWalk({
      store,
      source,
      throttledSource,
      headsOf,
      settings,
      findings: this.#findings,
      failures: this.#failures,
      onFirstPassDone: (chains, rows) =>
        log.info({ chains, rows, findings: this.#findings.open }, 'chains verified'),
    })
  }

  /** Starts the probe, which runs until {@link close}. */
  start(): void {
    const { signal } = this.#stopping
    this.#running ??= Promise.all([this.#watch(signal), this.#walk.run(signal)])
  }

  /** Stops the probe and abandons running segments. */
  async close(): Promise<void> {
    this.#stopping.abort(new Error('the probe is stopping'))
    this.#idle.wake()
    await this.#running
  }

  state(): IntegrityState {
    const { open, acknowledged, isRead } = this.#findings
    const { isFirstPassDone, glanceAt, chains } = this.#walk
    const inputs = {
      open,
      acknowledged,
      isFirstPassDone: isFirstPassDone && isRead,
      quarantineReadAt: this.#quarantineReadAt,
      glanceAt,
      chains: chains.values(),
    }
    return assess(inputs, this.#settings, performance.now())
  }

  report(domainId: string, findings: readonly Finding[]): void {
    const fresh = this.#findings.add(domainId, findings)
    if (fresh.length === 0) return
    // The caller has logged the findings, and may write them to the quarantine before this does.
    this.#alerts.raise({ domainId, source: 'postgres', findings: fresh })
    void this.#findings.record(domainId)
  }

  /** Returns the current figures, from memory. */
  figures(): Figures {
    const { chains, glances, signed, rows } = this.#walk
    return figuresOf({
      state: this.state(),
      settings: this.#settings,
      chains: chains.values(),
      glances,
      signed,
      quarantined: this.#findings.counts,
      errors: this.#failures.counts,
      rows,
      now: performance.now(),
    })
  }

  /** Polls the quarantine, which other processes write to as well. */
  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = performance.now()
      try {
        await this.#findings.refresh(now)
        this.#quarantineReadAt = now
        this.#failures.clear('quarantine')
      } catch (error) {
        this.#failures.add('quarantine', error)
      }
      await this.#idle.sleep(Math.min(POLL, this.#settings.every))
    }
  }
}
