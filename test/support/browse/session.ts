import type { BrowseData } from '../../../src/cli/browse/data.js'
import { firstState } from '../../../src/cli/browse/first-state.js'
import { type BrowseEvent, keyOf } from '../../../src/cli/browse/model/event.js'
import type { Size, State } from '../../../src/cli/browse/model/state.js'
import { update } from '../../../src/cli/browse/model/update.js'
import { JobRunner } from '../../../src/cli/browse/runner.js'
import { frameOf } from '../../../src/cli/browse/views/frame.js'
import { plain } from '../../../src/cli/browse/views/lines.js'

/** The browser without a terminal: keys go in, and lines come out. */
export class BrowseSession {
  state: State
  readonly #runner: JobRunner
  readonly bugs: unknown[] = []

  constructor(data: BrowseData, size: Size = { columns: 80, rows: 24 }, domainId?: string) {
    this.state = firstState(data, { size, unicode: true, domainId })
    this.#runner = new JobRunner(
      data,
      (event) => this.dispatch(event),
      (error) => this.bugs.push(error),
    )
    this.#runner.sync(this.state.jobs)
  }

  dispatch(event: BrowseEvent): void {
    this.state = update(this.state, event)
    this.#runner.sync(this.state.jobs)
  }

  /** Presses keys one after the other, and waits until everything is read before the next one. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.settled()
    for (const key of keys) {
      this.dispatch({ kind: 'key', key: keyOf(key) })
      await this.settled()
    }
  }

  /** Types each character of a text. */
  async type(text: string): Promise<void> {
    await this.press(...text)
  }

  /** Waits until no job runs. */
  async settled(): Promise<void> {
    while (Object.keys(this.state.jobs).length > 0 && this.bugs.length === 0)
      await new Promise((resolve) => setImmediate(resolve))
    if (this.bugs.length > 0) throw this.bugs[0]
  }

  get lines(): string[] {
    return frameOf(this.state).map(plain)
  }

  get screen(): string {
    return this.lines.join('\n')
  }
}
