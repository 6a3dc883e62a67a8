import { AuditError } from '../base/errors.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { KnownChains } from '../ports/domains.js'
import type { HeadsOf } from '../ports/log/heads.js'
import type { ChainGlance, KeptProgress, Position, ReconcileStore } from '../ports/reconcile.js'
import type { SignedState } from '../ports/signer.js'
import type { EntrySource } from '../ports/verify.js'
import { judgeUnknown } from '../verify/judge-unknown.js'
import type { Widened } from '../verify/widen-segment.js'
import type { FailureLog } from './failure-log.js'
import type { OpenFindings } from './findings.js'
import {
  advanced,
  afterGlance,
  beginChain,
  failed,
  type Progress,
  positionAfter,
  toKeep,
} from './progress.js'
import { nextWork, type ProbeSettings, periodOf, type Segment } from './schedule.js'
import { verifySegment } from './segment.js'
import { WakeableSleep } from './wakeable-sleep.js'

export interface WalkDeps {
  readonly store: ReconcileStore
  /** For the first pass, while no requests are served. */
  readonly source: EntrySource
  /** The same copy, read slowly, while requests are served. */
  readonly throttledSource: EntrySource
  /** Reads the signed heads of a chain. Absent: no head is looked for. */
  readonly headsOf?: HeadsOf | undefined
  readonly settings: ProbeSettings
  readonly findings: OpenFindings
  readonly failures: FailureLog
  /** Called once every chain that existed at the start has been verified end to end. */
  readonly onFirstPassDone: (chains: number, rows: number) => void
}

/** Milliseconds until the next glance after one that failed. */
const RETRY_GLANCE = 1_000

const NOTHING_KNOWN: KnownChains = { domainIds: [], registered: new Set(), created: new Set() }

/** Verifies the chains segment by segment, several at once. Progress is in memory, and saved for the next process. */
export class ChainWalk {
  readonly #deps: WalkDeps
  readonly #chains = new Map<string, Progress>()
  readonly #busy = new Map<string, Promise<void>>()
  readonly #idle = new WakeableSleep()
  #writes = Promise.resolve()
  #kept: ReadonlyMap<string, KeptProgress> | undefined
  #known = NOTHING_KNOWN
  /** Chains in which this process found something. */
  readonly #damaged = new Set<string>()
  /** Chains that were reported because the platform chain did not create them. */
  readonly #unknown = new Set<string>()
  #glanceDueAt = Number.NEGATIVE_INFINITY
  /** When the list of chains was last read. */
  glanceAt = performance.now()
  glances: ReadonlyMap<string, ChainGlance> = new Map()
  /** How far the chains are signed, by the index. No readiness follows from it. */
  signed: ReadonlyMap<string, SignedState> = new Map()
  isFirstPassDone = false
  /** Rows that this process verified. */
  readonly rows = { boot: 0, tail: 0, rolling: 0 }

  constructor(deps: WalkDeps) {
    this.#deps = deps
  }

  get chains(): ReadonlyMap<string, Progress> {
    return this.#chains
  }

  /** Runs until the signal, which also aborts running segments. */
  async run(signal: AbortSignal): Promise<void> {
    const wake = () => this.#idle.wake()
    signal.addEventListener('abort', wake)
    while (!signal.aborted) {
      if (performance.now() >= this.#glanceDueAt) await this.#glance()
      const wakeAt = Math.min(this.#startSegments(signal), this.#glanceDueAt)
      await this.#idle.sleep(wakeAt - performance.now())
    }
    signal.removeEventListener('abort', wake)
    await Promise.all(this.#busy.values())
  }

  /** Reads which chains exist and where they end. */
  async #glance(): Promise<void> {
    const { store, settings, failures, findings } = this.#deps
    try {
      this.#kept ??= new Map((await store.kept()).map((one) => [one.domainId, one]))
      const now = performance.now()
      const { known, chains } = await store.glance()
      this.#known = known
      this.glances = new Map(chains.map((one) => [one.domainId, one]))
      // A chain that was verified once stays in the walk, even if nothing else mentions it any more.
      for (const id of new Set([...known.domainIds, ...this.#chains.keys(), ...this.#kept.keys()])) {
        this.#update(id, now)
      }
      this.glanceAt = now
      this.#glanceDueAt = now + settings.every
      failures.clear('chains')
      await this.#endFirstPass()
      this.#judgeUnknown()
      await findings.recordAll()
    } catch (error) {
      failures.add('chains', error)
      this.#glanceDueAt = performance.now() + Math.min(settings.every, RETRY_GLANCE)
      return
    }
    await this.#readSigned()
  }

  /** Reads how far the chains are signed. The figures stay as they were where it cannot be read. */
  async #readSigned(): Promise<void> {
    const { store, failures } = this.#deps
    try {
      this.signed = new Map((await store.signed()).map((one) => [one.domainId, one]))
      failures.clear('signed')
    } catch (error) {
      failures.add('signed', error)
    }
  }

  /** Judges the chains that the platform chain did not create, once that chain was verified end to end and is intact. */
  #judgeUnknown(): void {
    const platform = this.#chains.get(PLATFORM_ANCHOR)
    const isPlatformIntact = platform?.fullAt !== undefined && !this.#damaged.has(PLATFORM_ANCHOR)
    for (const domainId of this.#known.unrecorded?.keys() ?? []) {
      if (this.#unknown.has(domainId)) continue
      const end = this.#chains.get(domainId)?.end ?? 0
      const found = judgeUnknown(this.#known, { domainId, isPlatformIntact }, end)
      if (found.length > 0) this.#unknown.add(domainId)
      this.#deps.findings.add(domainId, found)
    }
  }

  #update(domainId: string, now: number): void {
    if (this.#busy.has(domainId)) return
    const { fullEvery } = this.#deps.settings
    const chain =
      this.#chains.get(domainId) ?? beginChain(domainId, this.#kept?.get(domainId), now, fullEvery)
    this.#chains.set(domainId, afterGlance(chain, this.glances.get(domainId), now))
  }

  /** Starts due segments up to the concurrency limit. Returns when to look again. */
  #startSegments(signal: AbortSignal): number {
    const { settings } = this.#deps
    const idle = [...this.#chains.values()].filter(({ domainId }) => !this.#busy.has(domainId))
    const { segments, wakeAt } = nextWork(
      idle,
      performance.now(),
      settings,
      settings.concurrency - this.#busy.size,
    )
    for (const segment of segments) {
      const running = this.#verify(segment, signal).finally(() => {
        this.#busy.delete(segment.domainId)
        this.#idle.wake()
      })
      this.#busy.set(segment.domainId, running)
    }
    return wakeAt
  }

  async #verify(segment: Segment, signal: AbortSignal): Promise<void> {
    const { domainId } = segment
    try {
      const { headsOf } = this.#deps
      const about = { known: this.#known, end: this.#chainOf(domainId).end, headsOf }
      await this.#record(segment, await verifySegment(this.#sourceFor(segment), segment, about, signal))
      this.#deps.failures.clear('chain', domainId)
    } catch (error) {
      if (signal.aborted) return
      // The chain does not exist, and nothing says that it should.
      const isNothing = error instanceof AuditError && error.code === 'domain_not_found'
      if (isNothing) await this.#settle(segment, { seq: 0 }, true)
      else this.#fail(segment, error)
    }
  }

  #sourceFor({ kind }: Segment): EntrySource {
    return kind === 'boot' && !this.isFirstPassDone ? this.#deps.source : this.#deps.throttledSource
  }

  async #record(segment: Segment, { verdict, to }: Widened): Promise<void> {
    const { findings } = this.#deps
    this.rows[segment.kind] += verdict.rows
    if (!verdict.ok) this.#damaged.add(segment.domainId)
    // Count the findings before the chain counts as verified.
    findings.add(segment.domainId, verdict.findings)
    await findings.record(segment.domainId)
    await this.#settle(segment, positionAfter(verdict, to), to === undefined)
  }

  async #settle({ domainId, kind }: Segment, position: Position, atEnd: boolean): Promise<void> {
    const { settings, findings } = this.#deps
    const now = performance.now()
    const chain = advanced(this.#chainOf(domainId), { kind, position, atEnd }, now, periodOf(settings))
    this.#chains.set(domainId, chain)
    // The saved head is evidence until the findings against it are in the quarantine.
    const isKept = !findings.isUnrecorded(domainId)
    if (isKept) await this.#keep((store) => store.keep(toKeep(chain, !this.isFirstPassDone, now)))
    await this.#endFirstPass()
  }

  async #endFirstPass(): Promise<void> {
    if (this.isFirstPassDone) return
    for (const { boot } of this.#chains.values()) if (boot !== undefined) return
    this.isFirstPassDone = true
    this.#deps.onFirstPassDone(this.#chains.size, this.rows.boot)
    await this.#keep((store) => store.endBoot())
  }

  /**
   * Saves progress. A failed write only makes the next process verify more. Writes run one at a time, so that an earlier
   * position cannot overwrite the end of the first pass.
   */
  #keep(write: (store: ReconcileStore) => Promise<void>): Promise<void> {
    const { store, failures } = this.#deps
    this.#writes = this.#writes
      .then(() => write(store))
      .then(
        () => failures.clear('progress'),
        (error: unknown) => void failures.add('progress', error),
      )
    return this.#writes
  }

  /** Plans a glance before the retry, because the chain may have become shorter. */
  #fail({ domainId, kind }: Segment, error: unknown): void {
    const code = this.#deps.failures.add('chain', error, domainId)
    const chain = failed(this.#chainOf(domainId), kind, code, performance.now())
    this.#chains.set(domainId, chain)
    this.#glanceDueAt = Math.min(this.#glanceDueAt, chain.failures[kind]?.notBefore ?? this.#glanceDueAt)
  }

  #chainOf(domainId: string): Progress {
    const chain = this.#chains.get(domainId)
    if (chain === undefined) throw new AuditError('internal', 'a chain without progress')
    return chain
  }
}
