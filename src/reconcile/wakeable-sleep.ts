/** A wait that can be cut short. One at a time. */
export class WakeableSleep {
  #end: () => void = () => undefined
  #isCalled = false

  /** Resolves after `ms` milliseconds, or when woken; at once if that happened since the last rest. */
  rest(ms: number): Promise<void> {
    if (this.#isCalled || ms <= 0) {
      this.#isCalled = false
      // Lets what else waits have its turn: the loop around this one may have nothing else to wait for.
      return new Promise((resolve) => setImmediate(resolve))
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end(), ms)
      this.#end = () => {
        clearTimeout(timer)
        this.#isCalled = false
        this.#end = () => undefined
        resolve()
      }
    })
  }

  wake(): void {
    this.#isCalled = true
    this.#end()
  }
}
