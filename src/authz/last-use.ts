/** Milliseconds between two tries for one key: more often than it is due only where it cannot be written. */
const BETWEEN = 60_000

/** Keys that are remembered; at some 100 bytes each. */
const MAX_KEYS = 10_000

/**
 * Writes down when a key was last used, beside the request and at most once a minute, so that a key in constant use does
 * not write a row version a request. That it could not be written (a standby, a role that may not) fails nobody.
 */
export class LastUse {
  readonly #touch: (id: string) => Promise<void>
  readonly #triedAt = new Map<string, number>()

  constructor(touch: (id: string) => Promise<void>) {
    this.#touch = touch
  }

  note(id: string, now = performance.now()): void {
    if (now - (this.#triedAt.get(id) ?? Number.NEGATIVE_INFINITY) < BETWEEN) return
    if (this.#triedAt.size >= MAX_KEYS) this.#triedAt.clear()
    this.#triedAt.set(id, now)
    this.#touch(id).catch(() => undefined)
  }
}
