import type { Denial } from '../deps.js'
import type { DenialRow } from './entry.js'

/** Milliseconds of a window, and the denials of one caller in it that get a row each. */
export const WINDOW = 60_000
export const ROWS_A_WINDOW = 20

/** Windows held at once, and chains counted in each: bounds of memory, some 30 MB. */
export const MAX_CALLERS = 1_000
export const MAX_CHAINS = 100

interface Window {
  readonly endsAt: number
  left: number
  /** By chain: what got no row of its own. */
  readonly held: Map<string, DenialRow>
}

/**
 * How many rows a caller may cause: a few a minute, and for the rest one row a chain that counts, when the minute is
 * over. Else whoever holds any credential could flood a chain that is kept for ever. Times are of one monotonic clock.
 */
export class DenialAllowance {
  readonly #windows = new Map<string, Window>()
  #uncounted = 0

  /** Whether something is held back that a later {@link release} will give. */
  get isOpen(): boolean {
    return this.#windows.size > 0
  }

  /** Whether this denial gets a row of its own; one that gets none is counted, here or on its chain's row. */
  takes(denial: Denial, now: number, hasRoom: boolean): boolean {
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

  /** The rows of the windows that are over by `now`, which end with it. */
  release(now: number): DenialRow[] {
    const rows: DenialRow[] = []
    for (const [subject, window] of this.#windows) {
      if (window.endsAt > now) continue
      this.#windows.delete(subject)
      rows.push(...window.held.values())
    }
    return rows
  }

  /** Denials, since the last call, that were too many to be counted by caller and chain. */
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
