import { archiveOnce, type ChainDrained, together } from '../../archive/once.js'
import { judgePlaces, type PlaceFailure } from '../../archive/places.js'
import type { WorkProgress } from '../output/progress-line.js'
import type { UploadDeps } from './upload-deps.js'

/** What a run has archived so far. A chain that is archived twice has one result. */
export class Draining {
  readonly #deps: UploadDeps
  readonly #chains = new Map<string, ChainDrained>()

  constructor(deps: UploadDeps) {
    this.#deps = deps
  }

  get chains(): readonly ChainDrained[] {
    return [...this.#chains.values()]
  }

  /** The chains that have rows that were held back. */
  get held(): ReadonlySet<string> {
    const held = this.chains.filter(({ drained }) => drained.held > 0)
    return new Set(held.map(({ domainId }) => domainId))
  }

  /** Compares every chain with its stamps and its mirror, and archives it. */
  async all(onProgress: (progress: WorkProgress) => void, signal: AbortSignal): Promise<WorkProgress> {
    const at = { rows: 0, total: 0 }
    const onStamped = (stamped: number) => {
      at.rows += stamped
      onProgress(at)
    }
    const onWaiting = (waiting: number) => {
      at.total = waiting
      onProgress(at)
    }
    this.#add(await archiveOnce({ ...this.#deps, recheck: this.#deps, onStamped, onWaiting }, signal))
    return at
  }

  /** Archives the rows that a chain has now. */
  readonly again = async (domainId: string, signal: AbortSignal): Promise<void> => {
    this.#add(await archiveOnce({ ...this.#deps, onStamped: () => undefined, only: domainId }, signal))
  }

  /** Judges the places of the chains that had no row to archive. */
  places(chains: UploadDeps['chains'], signal: AbortSignal): Promise<PlaceFailure[]> {
    return judgePlaces({ ...this.#deps, chains }, new Set(this.#chains.keys()), signal)
  }

  #add(chains: readonly ChainDrained[]): void {
    for (const { domainId, drained } of chains) {
      const before = this.#chains.get(domainId)?.drained
      this.#chains.set(domainId, { domainId, drained: before ? together(before, drained) : drained })
    }
  }
}
