/** Milliseconds between two tries for one key. Limits the tries when the write fails. */
const BETWEEN = 60_000

/** Keys to remember, at about 100 bytes each. */
const MAX_KEYS = 10_000

/**
 * Records the last use of a key in the background and at most once a minute, so that a key in constant use does not cause a
 * write for each request. Ignores a failed write (a standby, a role without the privilege).
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
