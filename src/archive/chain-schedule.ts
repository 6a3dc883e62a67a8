import { type BackOff, backOff } from '../base/back-off.js'
import type { Drained } from './drain.js'

/** Waits of the archiver after failures in a row. */
export const AFTER_FAILURE: BackOff = { first: 1_000, longest: 60_000, jitter: 1 }

/**
 * Waits before rows that were held back are read again. Such rows rarely become archivable, except those before a row
 * that commits late. The wait doubles because each pass reads the whole run again.
 */
const WHILE_HELD: BackOff = { first: 5_000, longest: 60_000, jitter: 0 }

/**
 * When the next pass over a chain begins, and at which row. Rows that were held back are skipped until their wait is over,
 * so that they neither delay new rows nor are read at every poll. A row that failed is not skipped: rows are stamped in order.
 */
export class ChainSchedule {
  /** No pass begins before this time, after a failure. */
  #notBefore = 0
  /** Rows up to this seq are skipped until `#skippedUntil`; 0 where no row is skipped. */
  #skipped = 0
  #skippedUntil = 0
  #failures = 0
  /** Passes in a row that held rows back. */
  #helds = 0

  /** The seq up to which rows are stamped or held back, as the last passes found it. */
  get heldThrough(): number {
    return this.#skipped
  }

  isDue(now: number): boolean {
    return now >= this.#notBefore
  }

  /** Returns the seq up to which rows are skipped. */
  after(now: number): number {
    return now >= this.#skippedUntil ? 0 : this.#skipped
  }

  /**
   * Returns the milliseconds until failed rows are retried, or undefined where no row failed. `from` is what {@link after}
   * returned for the pass.
   */
  onPass(drained: Drained, from: number, now: number, random: number): number | undefined {
    const wait = drained.failed > 0 ? this.#onFailure(drained.stamped > 0, now, random) : undefined
    if (from === 0) this.#skipped = 0
    if (from === 0 && drained.failed === 0) this.#failures = 0
    if (from === 0) this.#helds = drained.held > 0 ? this.#helds + 1 : 0
    if (wait === undefined && drained.held > 0) this.#skip(drained.reached, now + this.#heldWait())
    return wait
  }

  #heldWait(): number {
    return backOff(WHILE_HELD, Math.max(this.#helds, 1))
  }

  /** Returns the milliseconds until the next pass, after a pass that PostgreSQL or the opening of the mirror failed. */
  onError(now: number, random: number): number {
    return this.#onFailure(false, now, random)
  }

  #onFailure(progressed: boolean, now: number, random: number): number {
    this.#failures = progressed ? 1 : this.#failures + 1
    const wait = backOff(AFTER_FAILURE, this.#failures, random)
    this.#notBefore = now + wait
    return wait
  }

  #skip(reached: number, until: number): void {
    this.#skippedUntil = this.#skipped === 0 ? until : Math.min(this.#skippedUntil, until)
    this.#skipped = reached
  }
}
