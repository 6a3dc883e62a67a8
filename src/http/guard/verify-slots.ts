import { HttpProblem } from '../problem/problem.js'

/** Seconds. */
const RETRY_AFTER = '10'

/** Limits how many verifications run at once: each holds a connection, a worker thread and a snapshot of the database. */
export class VerifySlots {
  #free: number

  constructor(max: number) {
    this.#free = max
  }

  /** Runs `use` in a free slot. Rejects with 429 when none is free: clients would time out in a queue. */
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
    detail: 'too many verifications are running',
    headers: { 'retry-after': RETRY_AFTER },
  })
}
