/** A sleep that can be ended early. Only one caller may sleep at a time. */
export class WakeableSleep {
  #end: () => void = () => undefined
  #isWoken = false

  /** Resolves after `ms` milliseconds or when woken, and at once if it was woken since the last sleep. */
  sleep(ms: number): Promise<void> {
    if (this.#isWoken || ms <= 0) {
      this.#isWoken = false
      // Yields to other callbacks: the caller's loop may await nothing else.
      return new Promise((resolve) => setImmediate(resolve))
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end(), ms)
      this.#end = () => {
        clearTimeout(timer)
        this.#isWoken = false
        this.#end = () => undefined
        resolve()
      }
    })
  }

  wake(): void {
    this.#isWoken = true
    this.#end()
  }
}
