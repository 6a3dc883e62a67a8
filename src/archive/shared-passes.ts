import type { AuditError } from '../base/errors.js'
import type { WaitingChain } from '../ports/archive.js'
import type { Drained, DrainRange } from './drain.js'
import { type ArchiverDeps, drainPass } from './drain-pass.js'
import { OtherArchiver } from './other-archiver.js'
import type { Stopping } from './stopping.js'

export interface SharedPassesDeps extends ArchiverDeps {
  readonly onTrouble: (error: AuditError, wait: number, domainId: string) => void
}

/** Passes over chains that other archivers may have claimed. */
export class SharedPasses {
  /** By chain: the archiver that had claimed it at the last pass. */
  readonly #others = new Map<string, OtherArchiver>()

  constructor(
    readonly deps: SharedPassesDeps,
    readonly stopping: Stopping,
    readonly patience: number,
  ) {}

  /**
   * Runs a pass as {@link drainPass} does. If another archiver has claimed the chain and counts as stuck, reports that once
   * and runs the pass regardless. Later passes do the same until the chain can be claimed.
   */
  async run(
    chain: WaitingChain,
    range: Omit<DrainRange, 'maxRows'>,
    heldThrough: number,
  ): Promise<Drained | 'claimed elsewhere'> {
    const { domainId } = chain
    const pass = await drainPass(chain, range, this.deps, this.stopping)
    if (pass !== 'claimed elsewhere') {
      this.#others.delete(domainId)
      return pass
    }
    if (!(await this.#isStuck(chain, heldThrough))) return pass
    return drainPass(chain, range, this.deps, this.stopping, true)
  }

  /** Forgets a chain that has no waiting rows. A stuck archiver is remembered: new rows do not wait for it again. */
  forget(domainId: string): void {
    if (this.#others.get(domainId)?.isStuck === false) this.#others.delete(domainId)
  }

  async #isStuck(chain: WaitingChain, heldThrough: number): Promise<boolean> {
    const { domainId } = chain
    const other = this.#others.get(domainId) ?? new OtherArchiver(chain, this.deps.queue, this.patience)
    this.#others.set(domainId, other)
    if (other.isStuck) return true
    await other.look(heldThrough)
    if (other.isStuck) this.deps.onTrouble(other.trouble(), 0, domainId)
    return other.isStuck
  }
}
