import { HttpProblem } from '../problem/problem.js'

/** Seconds after which to try again. */
const RETRY_AFTER = '10'

/** How many verifies run at once: each holds a connection, a worker thread and a snapshot of the database. */
export class VerifySlots {
  #free: number

  constructor(max: number) {
    this.#free = max
  }

  /** Rejects with 429 where none is free: a queue would outlive the patience of who waits in it. */
  async run<T>(use: () => Promise<T>): Promise<T> {
    if (this.#free === 0) throw tooMany()
    this.#free -= 1
    try {
      return await use()
    } finally {
      this.#free += 1
    }
  }
}

function tooMany(): HttpProblem {
  return new HttpProblem(429, {
    detail: 'as many verifies are running as may at once',
    headers: { 'retry-after': RETRY_AFTER },
  })
}
