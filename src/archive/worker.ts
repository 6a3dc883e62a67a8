import { backOff } from '../base/back-off.js'
import { AuditError } from '../base/errors.js'
import type { WaitingChain } from '../ports/archive.js'
import type { Drained } from './drain.js'
import { type ArchiverDeps, drainPass, PASSES, PASSES_PER_MIRROR } from './drain-pass.js'
import { AFTER_FAILURE, Pace } from './pace.js'
import type { ProvenRun } from './prove-run.js'
import { type Stopping, withStopping } from './stopping.js'

export interface WorkerDeps extends ArchiverDeps {
  /** Milliseconds between two looks for rows to archive. */
  readonly pollInterval: number
  readonly onPass: (domainId: string, drained: Drained) => Promise<void>
  /** Something could not be done, and is tried again after `wait` milliseconds. Without a chain: Postgres itself. */
  readonly onTrouble: (error: AuditError, wait: number, domainId?: string) => void
  /** All of the chain's rows, or Postgres, could be looked at without trouble. */
  readonly onRecovered: (domainId?: string) => void
}

/**
 * Archives what every chain gets, until the signal; resolves once what was under way is uploaded and stamped. Only a
 * bug makes it reject: whatever else fails is told, and tried again.
 *
 * It polls, and does not LISTEN: a NOTIFY in the append transaction would take a lock of the whole database at its
 * commit, and put the appends to all chains in one queue. Polling is a walk along a partial index that is empty when all
 * is archived: 1.2 ms a poll with the entries of 110,000 archived rows not yet vacuumed away, 0.9 ms after, 0.4 ms of it
 * our own CPU time. At one poll a second a row was archived 0.57 s after it was recorded (mean; 0.99 s at 95 %).
 */
export async function runWorker(deps: WorkerDeps, outer: AbortSignal): Promise<void> {
  await withStopping(outer, async (stopping) => new Worker(deps, stopping).run())
}

class Worker {
  readonly #deps: WorkerDeps
  readonly #stopping: Stopping
  readonly #paces = new Map<string, Pace>()
  /** By chain: the mirror that its turn works on. */
  readonly #mirrors = new Map<string, string>()
  readonly #turns = new Set<Promise<void>>()
  /** By chain: what its last turn left of a run that it had proven. */
  readonly #rests = new Map<string, ProvenRun>()
  /** When a chain last had a turn; those that waited longest come first. */
  readonly #served = new Map<string, number>()
  #failedPolls = 0
  /** More could be started at once, if only a turn ended. */
  #hurry = false
  #hasEnded = false
  #bug: { error: unknown } | undefined
  #wake: () => void = () => undefined

  constructor(deps: WorkerDeps, stopping: Stopping) {
    this.#deps = deps
    this.#stopping = stopping
  }

  async run(): Promise<void> {
    const { stop } = this.#stopping
    const wake = () => this.#wake()
    stop.addEventListener('abort', wake)
    while (!this.#isOver()) {
      this.#hurry = false
      this.#hasEnded = false
      await this.#pause(await this.#poll().catch((error: unknown) => this.#onBug(error)))
    }
    await Promise.all(this.#turns)
    stop.removeEventListener('abort', wake)
    if (this.#bug !== undefined) throw this.#bug.error
  }

  #isOver(): boolean {
    return this.#stopping.stop.aborted
  }

  /** Ends the run: the other turns stop where they are, orderly, before it is thrown. */
  #onBug(error: unknown): number {
    this.#bug ??= { error }
    this.#stopping.end(error)
    return 0
  }

  /** Starts a turn for every chain that waits and may have one; milliseconds until the next poll. */
  async #poll(): Promise<number> {
    try {
      const chains = await this.#deps.queue.waiting()
      if (!this.#isOver()) this.#startTurns(chains)
      this.#forgetIdle(chains)
      if (this.#failedPolls > 0) this.#deps.onRecovered()
      this.#failedPolls = 0
      return this.#deps.pollInterval
    } catch (error) {
      if (!isTrouble(error)) throw error
      this.#failedPolls += 1
      const wait = Math.max(backOff(AFTER_FAILURE, this.#failedPolls), this.#deps.pollInterval)
      this.#deps.onTrouble(error, wait)
      return wait
    }
  }

  #startTurns(chains: readonly WaitingChain[]): void {
    const now = Date.now()
    const due = chains
      .filter(({ domainId }) => !this.#mirrors.has(domainId) && this.#paceOf(domainId).isDue(now))
      .sort((a, b) => this.#servedAt(a) - this.#servedAt(b))
    for (const chain of due) {
      const url = this.#deps.mirrors.urlOf(chain.mirrorUrl)
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
    const turn: Promise<void> = this.#turn(chain, now)
      .catch((error: unknown) => void this.#onBug(error))
      .finally(() => {
        this.#mirrors.delete(domainId)
        this.#turns.delete(turn)
        this.#hasEnded = true
        // Somebody waits for the place, or this chain has more.
        if (this.#hurry) this.#wake()
      })
    this.#turns.add(turn)
  }

  async #turn(chain: WaitingChain, now: number): Promise<void> {
    const { domainId } = chain
    const pace = this.#paceOf(domainId)
    const after = pace.after(now)
    try {
      const rest = this.#rests.get(domainId)
      this.#rests.delete(domainId)
      const drained = await drainPass(chain, { after, rest }, this.#deps, this.#stopping)
      if (drained === 'claimed elsewhere') return
      if (drained.rest !== undefined && drained.ended === 'some') this.#rests.set(domainId, drained.rest)
      const wait = pace.onPass(drained, after, Date.now(), Math.random())
      if (drained.ended === 'some') this.#hurry = true
      if (after === 0 && drained.failed === 0) this.#deps.onRecovered(domainId)
      if (drained.error !== undefined) this.#deps.onTrouble(drained.error, wait ?? 0, domainId)
      await this.#deps.onPass(domainId, drained)
    } catch (error) {
      if (!isTrouble(error)) throw error
      this.#deps.onTrouble(error, pace.onError(Date.now(), Math.random()), domainId)
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

  #paceOf(domainId: string): Pace {
    const pace = this.#paces.get(domainId) ?? new Pace()
    this.#paces.set(domainId, pace)
    return pace
  }

  #servedAt({ domainId }: WaitingChain): number {
    return this.#served.get(domainId) ?? 0
  }

  /** A chain that does not wait has nothing left behind. */
  #forgetIdle(chains: readonly WaitingChain[]): void {
    const waiting = new Set(chains.map(({ domainId }) => domainId))
    for (const domainId of this.#paces.keys()) {
      if (waiting.has(domainId) || this.#mirrors.has(domainId)) continue
      this.#paces.delete(domainId)
      this.#served.delete(domainId)
      this.#rests.delete(domainId)
    }
  }
}

/** What can be told and tried again; anything else is a bug and ends the run. */
function isTrouble(error: unknown): error is AuditError {
  return error instanceof AuditError && error.code !== 'internal'
}
