import { type BackOff, backOff } from '../base/back-off.js'
import type { Drained } from './drain.js'

/** Waits of the archiver after failures in a row. */
export const AFTER_FAILURE: BackOff = { first: 1_000, longest: 60_000, jitter: 1 }

/**
 * Waits before rows that were held back are read again. Such rows rarely become archivable, except those before a row
 * that commits late. The wait doubles because each look reads the whole run again.
 */
const WHILE_HELD: BackOff = { first: 5_000, longest: 60_000, jitter: 0 }

/**
 * When a chain is looked at again, and from where. Rows that were left behind, held back or failed, are passed over
 * until their time comes, so that they neither stop new rows nor are read at every poll.
 */
export class Pace {
  /** Nothing before that: the last pass got nothing through. */
  #notBefore = 0
  /** The last row of those looked at when some were left behind; 0 where none were. */
  #passed = 0
  #passedUntil = 0
  #failures = 0
  /** Looks in a row that held rows back. */
  #helds = 0

  isDue(now: number): boolean {
    return now >= this.#notBefore
  }

  /** Rows up to this seq are passed over. */
  after(now: number): number {
    return now >= this.#passedUntil ? 0 : this.#passed
  }

  /** Milliseconds until rows that failed are tried again, if any did. `from` is what {@link after} said for the pass. */
  onPass(drained: Drained, from: number, now: number, random: number): number | undefined {
    const wait = drained.failed > 0 ? this.#onFailure(drained.stamped > 0, now, random) : undefined
    if (from === 0) this.#passed = 0
    if (from === 0 && drained.failed === 0) this.#failures = 0
    if (from === 0) this.#helds = drained.held > 0 ? this.#helds + 1 : 0
    if (drained.held + drained.failed > 0)
      this.#leaveBehind(drained.reached, now + (wait ?? this.#heldWait()))
    return wait
  }

  #heldWait(): number {
    return backOff(WHILE_HELD, Math.max(this.#helds, 1))
  }

  /** The pass itself failed: Postgres did, or the mirror could not be opened. Milliseconds until the next. */
  onError(now: number, random: number): number {
    return this.#onFailure(false, now, random)
  }

  #onFailure(progressed: boolean, now: number, random: number): number {
    this.#failures += 1
    const wait = backOff(AFTER_FAILURE, this.#failures, random)
    if (!progressed) this.#notBefore = now + wait
    return wait
  }

  #leaveBehind(reached: number, again: number): void {
    this.#passedUntil = this.#passed === 0 ? again : Math.min(this.#passedUntil, again)
    this.#passed = reached
  }
}
