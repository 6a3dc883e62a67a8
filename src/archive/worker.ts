import { backOff } from '../base/back-off.js'
import { type AuditError, isRetryable } from '../base/errors.js'
import type { WaitingChain } from '../ports/archive.js'
import { AFTER_FAILURE, ChainSchedule } from './chain-schedule.js'
import type { Drained } from './drain.js'
import { type ArchiverDeps, PASSES, PASSES_PER_MIRROR } from './drain-pass.js'
import { STUCK } from './other-archiver.js'
import type { ProvenRun } from './prove-run.js'
import { SharedPasses } from './shared-passes.js'
import { type RecheckLoopDeps, recheckAll } from './stamps/recheck-loop.js'
import { type Stopping, withStopping } from './stopping.js'
import { watchPlaces } from './watch-places.js'

export interface WorkerDeps
  extends ArchiverDeps,
    Pick<RecheckLoopDeps, 'chains' | 'ledger' | 'onUncompared'> {
  /** Milliseconds between two polls for rows to archive. */
  readonly pollInterval: number
  readonly onPass: (domainId: string, drained: Drained) => Promise<void>
  /** Reports a failure that is retried after `wait` milliseconds. Without a chain, PostgreSQL itself failed. */
  readonly onTrouble: (error: AuditError, wait: number, domainId?: string) => void
  /** Reports that a pass read all of the chain's rows without a failure. Without a chain, a poll succeeded. */
  readonly onRecovered: (domainId?: string) => void
}

/**
 * Archives the rows of every chain until the signal. Resolves once the uploads in flight are finished and stamped.
 * Rejects at a bug, and with `schema_newer`: every other failure is reported and retried. `stuck` is the number of milliseconds without a stamp
 * after which another archiver, which has claimed a chain, counts as stuck. Its chain is archived as well, and reported once.
 *
 * The worker polls and does not LISTEN: a NOTIFY in the append transaction would take a lock of the whole database at
 * commit, and the appends to all chains would wait in one queue. A poll compares heads with watermarks, so it does not
 * depend on how many rows are archived. At one poll a second a row was archived 0.57 s after it was recorded (mean; 0.99 s
 * at 95 %). The watermarks are hints, so all rows are compared with their stamps at the start and once an hour.
 */
export async function runWorker(deps: WorkerDeps, outer: AbortSignal, stuck = STUCK): Promise<void> {
  await withStopping(outer, async (stopping) => {
    const orEnd = (run: Promise<void>) =>
      run.catch((error: unknown) => {
        stopping.end(error)
        throw error
      })
    const beside = [orEnd(watchPlaces(deps, stopping)), orEnd(recheckAll(deps, stopping))]
    const ended = await Promise.allSettled([new Worker(deps, stopping, stuck).run(), ...beside])
    for (const end of ended) if (end.status === 'rejected') throw end.reason
  })
}

/** Stands for the mirror of chains that have none: their passes fail at once, and block no chain of a mirror. */
const UNMAPPED = ''

class Worker {
  readonly #deps: WorkerDeps
  readonly #stopping: Stopping
  readonly #shared: SharedPasses
  readonly #schedules = new Map<string, ChainSchedule>()
  /** By chain, while its pass runs: the mirror that the pass uploads to. */
  readonly #mirrors = new Map<string, string>()
  readonly #passes = new Set<Promise<void>>()
  /** By chain: the part of a proven run that its last pass did not reach. */
  readonly #rests = new Map<string, ProvenRun>()
  /** By chain: when its last pass began. The chain that waited longest comes first. */
  readonly #served = new Map<string, number>()
  #failedPolls = 0
  /** Whether a chain is ready for a pass that starts as soon as another pass ends. */
  #hurry = false
  /** Whether a pass has ended since the last poll. */
  #hasEnded = false
  #fatal: { error: unknown } | undefined
  #wake: () => void = () => undefined

  constructor(deps: WorkerDeps, stopping: Stopping, stuck: number) {
    this.#deps = deps
    this.#stopping = stopping
    this.#shared = new SharedPasses(deps, stopping, stuck)
  }

  async run(): Promise<void> {
    const { stop } = this.#stopping
    const wake = () => this.#wake()
    stop.addEventListener('abort', wake)
    while (!this.#isOver()) {
      this.#hurry = false
      this.#hasEnded = false
      await this.#pause(await this.#poll().catch((error: unknown) => this.#onFatal(error)))
    }
    await Promise.all(this.#passes)
    stop.removeEventListener('abort', wake)
    if (this.#fatal !== undefined) throw this.#fatal.error
  }

  #isOver(): boolean {
    return this.#stopping.stop.aborted
  }

  /** Ends the run. The other passes stop in order before the error is thrown. */
  #onFatal(error: unknown): number {
    this.#fatal ??= { error }
    this.#stopping.end(error)
    return 0
  }

  /** Starts a pass for every waiting chain that is due. Returns the milliseconds until the next poll. */
  async #poll(): Promise<number> {
    try {
      const chains = await this.#deps.queue.waiting()
      if (!this.#isOver()) this.#startPasses(chains)
      this.#forgetIdle(chains)
      if (this.#failedPolls > 0) this.#deps.onRecovered()
      this.#failedPolls = 0
      return this.#deps.pollInterval
    } catch (error) {
      if (!isRetryable(error)) throw error
      this.#failedPolls += 1
      const wait = Math.max(backOff(AFTER_FAILURE, this.#failedPolls), this.#deps.pollInterval)
      this.#deps.onTrouble(error, wait)
      return wait
    }
  }

  #startPasses(chains: readonly WaitingChain[]): void {
    const now = Date.now()
    const due = chains
      .filter(({ domainId }) => !this.#mirrors.has(domainId) && this.#scheduleOf(domainId).isDue(now))
      .sort((a, b) => this.#servedAt(a) - this.#servedAt(b))
    for (const chain of due) {
      const url = this.#deps.mirrors.urlOf(chain) ?? UNMAPPED
      if (this.#hasRoom(url)) this.#start(chain, url, now)
      else this.#hurry = true
    }
  }

  #hasRoom(url: string): boolean {
    const ofMirror = [...this.#mirrors.values()].filter((one) => one === url).length
    return ofMirror < PASSES_PER_MIRROR && this.#mirrors.size < PASSES
  }

  #start(chain: WaitingChain, url: string, now: number): void {
    const { domainId } = chain
    this.#mirrors.set(domainId, url)
    this.#served.set(domainId, now)
    const pass: Promise<void> = this.#pass(chain, now)
      .catch((error: unknown) => void this.#onFatal(error))
      .finally(() => {
        this.#mirrors.delete(domainId)
        this.#passes.delete(pass)
        this.#hasEnded = true
        // Another chain waits for this slot, or this chain has more rows.
        if (this.#hurry) this.#wake()
      })
    this.#passes.add(pass)
  }

  async #pass(chain: WaitingChain, now: number): Promise<void> {
    const { domainId, firstSeq } = chain
    const schedule = this.#scheduleOf(domainId)
    const after = schedule.after(now)
    try {
      const rest = this.#rests.get(domainId)
      this.#rests.delete(domainId)
      const drained = await this.#shared.run(
        chain,
        { after: Math.max(after, firstSeq - 1), rest },
        schedule.heldThrough,
      )
      if (drained === 'claimed elsewhere') return
      if (drained.rest !== undefined && drained.ended === 'some') this.#rests.set(domainId, drained.rest)
      const wait = schedule.onPass(drained, after, Date.now(), Math.random())
      if (drained.ended === 'some') this.#hurry = true
      if (after === 0 && drained.failed === 0) this.#deps.onRecovered(domainId)
      if (drained.error !== undefined) this.#deps.onTrouble(drained.error, wait ?? 0, domainId)
      await this.#deps.onPass(domainId, drained)
    } catch (error) {
      if (!isRetryable(error)) throw error
      this.#deps.onTrouble(error, schedule.onError(Date.now(), Math.random()), domainId)
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#isOver() || (this.#hurry && this.#hasEnded)) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #scheduleOf(domainId: string): ChainSchedule {
    const schedule = this.#schedules.get(domainId) ?? new ChainSchedule()
    this.#schedules.set(domainId, schedule)
    return schedule
  }

  #servedAt({ domainId }: WaitingChain): number {
    return this.#served.get(domainId) ?? 0
  }

  /** A chain without waiting rows has skipped none, so its schedule can go. */
  #forgetIdle(chains: readonly WaitingChain[]): void {
    const waiting = new Set(chains.map(({ domainId }) => domainId))
    for (const domainId of this.#schedules.keys()) {
      if (waiting.has(domainId) || this.#mirrors.has(domainId)) continue
      this.#schedules.delete(domainId)
      this.#shared.forget(domainId)
      this.#served.delete(domainId)
      this.#rests.delete(domainId)
    }
  }
}
