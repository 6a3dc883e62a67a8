import type { Finding } from '../chain/finding.js'
import type { Alerts } from '../ports/alerts.js'
import type { Integrity, IntegrityState } from '../ports/integrity.js'
import { assess } from './assess.js'
import { type ProbeLog, Troubles } from './failure-log.js'
import { type Figures, figuresOf } from './figures.js'
import { type FindingsParts, OpenFindings } from './findings.js'
import type { Pace } from './schedule.js'
import { Nap } from './wakeable-sleep.js'
import { ChainWalk, type WalkParts } from './walk.js'

export interface ProbeParts
  extends Pick<FindingsParts, 'quarantine' | 'standing'>,
    Pick<WalkParts, 'store' | 'source' | 'gentleSource' | 'pace'> {
  readonly log: ProbeLog
  readonly alerts: Alerts
}

/** Milliseconds between two looks at the quarantine, which other processes write to; at most. */
const POLL = 1_000

/**
 * The reconcile probe: verifies every chain end to end when it starts, then new rows as they come, and every row again
 * and again; and tells what that means for readiness (docs/readiness.md).
 */
export class Probe implements Integrity {
  readonly #pace: Pace
  readonly #alerts: Alerts
  readonly #findings: OpenFindings
  readonly #troubles: Troubles
  readonly #walk: ChainWalk
  readonly #nap = new Nap()
  readonly #stopping = new AbortController()
  /** When Postgres last told what stands in the quarantine. */
  #standingAt = performance.now()
  #running: Promise<unknown> | undefined

  constructor(parts: ProbeParts) {
    const { store, source, gentleSource, pace, log, quarantine, standing, alerts } = parts
    this.#alerts = alerts
    this.#pace = pace
    this.#troubles = new Troubles(log)
    this.#findings = new OpenFindings({
      quarantine,
      standing,
      onFound: (domainId, findings) => {
        log.error({ domain_id: domainId, findings: findings.length }, 'tamper detected')
        alerts.raise({ domainId, source: 'postgres', findings })
      },
      onRecorded: (domainId) => this.#troubles.over('findings', domainId),
      onUnrecorded: (domainId, error) => void this.#troubles.add('findings', error, domainId),
      onRemoved: (records) => log.error({ records }, 'records are gone from the quarantine'),
    })
    this.#walk = new ChainWalk({
      store,
      source,
      gentleSource,
      pace,
      findings: this.#findings,
      troubles: this.#troubles,
      onThrough: (chains, rows) =>
        log.info({ chains, rows, findings: this.#findings.open }, 'chains verified'),
    })
  }

  /** Goes on until {@link close}. */
  start(): void {
    const { signal } = this.#stopping
    this.#running ??= Promise.all([this.#watch(signal), this.#walk.run(signal)])
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    this.#stopping.abort(new Error('the probe is stopping'))
    this.#nap.wake()
    await this.#running
  }

  state(): IntegrityState {
    const { open, acknowledged, isRead } = this.#findings
    const { isThrough, glanceAt, chains } = this.#walk
    const signs = {
      open,
      acknowledged,
      isThrough: isThrough && isRead,
      standingAt: this.#standingAt,
      glanceAt,
      chains: chains.values(),
    }
    return assess(signs, this.#pace, performance.now())
  }

  report(domainId: string, findings: readonly Finding[]): void {
    const fresh = this.#findings.add(domainId, findings)
    if (fresh.length === 0) return
    // Whoever reports has logged it, and may write it down before this does.
    this.#alerts.raise({ domainId, source: 'postgres', findings: fresh })
    void this.#findings.record(domainId)
  }

  /** What is known at this moment, from memory. */
  figures(): Figures {
    const { chains, glances, rows } = this.#walk
    return figuresOf({
      state: this.state(),
      pace: this.#pace,
      chains: chains.values(),
      glances,
      standing: this.#findings.counts,
      errors: this.#troubles.counts,
      rows,
      now: performance.now(),
    })
  }

  /** The quarantine, whoever writes to it. */
  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = performance.now()
      try {
        await this.#findings.refresh(now)
        this.#standingAt = now
        this.#troubles.over('quarantine')
      } catch (error) {
        this.#troubles.add('quarantine', error)
      }
      await this.#nap.rest(Math.min(POLL, this.#pace.every))
    }
  }
}
