import { AuditError } from '../../base/errors.js'
import type { BrowseData } from './data.js'
import type { BrowseEvent } from './model/event.js'
import type { Job, JobKind, Jobs } from './model/state.js'
import { problemOf, work } from './work.js'

/** Does the jobs of the state: starts what is new, and ends what is no longer there. */
export class JobRunner {
  readonly #running = new Map<JobKind, { readonly id: number; readonly abort: AbortController }>()
  readonly #data: BrowseData
  readonly #dispatch: (event: BrowseEvent) => void
  readonly #onBug: (error: unknown) => void

  /** `onBug` is called with an error that is no AuditError. */
  constructor(data: BrowseData, dispatch: (event: BrowseEvent) => void, onBug: (error: unknown) => void) {
    this.#data = data
    this.#dispatch = dispatch
    this.#onBug = onBug
  }

  sync(jobs: Jobs): void {
    for (const [kind, { id, abort }] of this.#running) {
      if (jobs[kind]?.id === id) continue
      this.#running.delete(kind)
      abort.abort()
    }
    for (const numbered of Object.values(jobs)) {
      if (numbered !== undefined && !this.#running.has(numbered.job.kind))
        void this.#start(numbered.id, numbered.job)
    }
  }

  async #start(id: number, job: Job): Promise<void> {
    const abort = new AbortController()
    const of = job.kind
    this.#running.set(of, { id, abort })
    try {
      await work(
        this.#data,
        job,
        (answer) => this.#dispatch({ kind: 'answer', id, of, answer }),
        abort.signal,
      )
    } catch (error) {
      if (abort.signal.aborted) return
      if (error instanceof AuditError)
        this.#dispatch({ kind: 'failed', id, of, problem: problemOf(error), error })
      else this.#onBug(error)
    }
  }
}
