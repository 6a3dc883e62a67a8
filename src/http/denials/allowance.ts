import type { Denial } from '../deps.js'
import type { DenialRow } from './entry.js'

/** Length of a window in milliseconds, and how many denials of one caller get a row of their own in it. */
export const WINDOW = 60_000
export const ROWS_A_WINDOW = 20

/** Windows kept at once, and chains counted in each. They bound the memory to about 30 MB. */
export const MAX_CALLERS = 1_000
export const MAX_CHAINS = 100

interface Window {
  readonly endsAt: number
  left: number
  /** Denials without a row of their own, by chain. */
  readonly held: Map<string, DenialRow>
}

/**
 * Limits how many rows one caller can cause: a few each minute, and then one row for each chain, which counts the rest and is
 * written when the minute is over. Without the limit, any credential could flood a chain that is kept for ever. All times
 * come from one monotonic clock.
 */
export class DenialAllowance {
  readonly #windows = new Map<string, Window>()
  #uncounted = 0

  /** Whether counted denials wait for a later {@link release}. */
  get isOpen(): boolean {
    return this.#windows.size > 0
  }

  /** Returns whether this denial gets a row of its own. Counts a denial that does not, here or on its chain's row. */
  allowsRow(denial: Denial, now: number, hasRoom: boolean): boolean {
    const window = this.#windowOf(denial.subject, now)
    if (window === undefined) {
      this.#uncounted += 1
      return false
    }
    if (hasRoom && window.left > 0) {
      window.left -= 1
      return true
    }
    this.#hold(window.held, denial)
    return false
  }

  /** Closes the windows that are over at `now`, and returns their rows. */
  release(now: number): DenialRow[] {
    const rows: DenialRow[] = []
    for (const [subject, window] of this.#windows) {
      if (window.endsAt > now) continue
      this.#windows.delete(subject)
      rows.push(...window.held.values())
    }
    return rows
  }

  /** Returns how many denials since the last call were too many to be counted by caller and chain. */
  takeUncounted(): number {
    const uncounted = this.#uncounted
    this.#uncounted = 0
    return uncounted
  }

  #hold(held: Map<string, DenialRow>, denial: Denial): void {
    const before = held.get(denial.domainId)
    if (before === undefined && held.size >= MAX_CHAINS) this.#uncounted += 1
    else held.set(denial.domainId, { denial, count: (before?.count ?? 0) + 1 })
  }

  #windowOf(subject: string, now: number): Window | undefined {
    const known = this.#windows.get(subject)
    if (known !== undefined || this.#windows.size >= MAX_CALLERS) return known
    const window = { endsAt: now + WINDOW, left: ROWS_A_WINDOW, held: new Map<string, DenialRow>() }
    this.#windows.set(subject, window)
    return window
  }
}
