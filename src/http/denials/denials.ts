import type { InputEntry } from '../../append/input/input-line.js'
import { AuditError } from '../../base/errors.js'
import type { Placed } from '../../ports/append.js'
import type { Denial, DenialLog, HttpLog } from '../deps.js'
import { DenialAllowance } from './allowance.js'
import { type DenialRow, denialEntry } from './entry.js'

/** Rows that may wait to be written, at about 1 KB each. */
const MAX_WAITING = 1_000

/**
 * Milliseconds between two writes. Writing a row right after its answer would delay the caller's next answer, and that delay
 * would show that the chain exists.
 */
const TICK = 250

/** Milliseconds until the next try after a write failed. */
const RETRY_AFTER = 5_000

export interface DenialDeps {
  /** Appends one entry, as Sink.record does. */
  readonly record: (entry: InputEntry) => Promise<readonly Placed[]>
  readonly log: HttpLog
}

/**
 * Writes denied requests as rows of the chain that they were about, after the answer. Queues a bounded number of rows and
 * writes them a few times a second. Denials that the queue has no room for, or that a caller repeats, become one row with a
 * count.
 */
export class Denials implements DenialLog {
  readonly #deps: DenialDeps
  readonly #allowance = new DenialAllowance()
  #waiting: DenialRow[] = []
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #isFailing = false

  constructor(deps: DenialDeps) {
    this.#deps = deps
  }

  add(denial: Denial): void {
    const hasRoom = this.#waiting.length < MAX_WAITING
    if (this.#allowance.allowsRow(denial, performance.now(), hasRoom))
      this.#waiting.push({ denial, count: 1 })
    this.#schedule(TICK)
  }

  /** Writes the remaining rows, and logs those that cannot be written. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#writing
    this.#isFailing = false
    await this.#write(Number.POSITIVE_INFINITY)
    clearTimeout(this.#timer)
    for (const row of this.#waiting.splice(0)) this.#logLost(row, 'not written before the end')
  }

  #schedule(delay: number): void {
    if (this.#timer !== undefined || this.#writing !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#writing = this.#write(performance.now()).finally(() => {
        this.#writing = undefined
        if (this.#isFailing) this.#schedule(RETRY_AFTER)
        else if (this.#waiting.length > 0 || this.#allowance.isOpen) this.#schedule(TICK)
      })
    }, delay)
    this.#timer.unref()
  }

  /** Releases no counted rows while older rows cannot be written: the allowance goes on counting them. */
  async #write(now: number): Promise<void> {
    const rows = this.#waiting.splice(0)
    if (!this.#isFailing) rows.push(...this.#allowance.release(now))
    const left = await Promise.all(rows.map((row) => this.#record(row)))
    const again = left.filter((row) => row !== undefined)
    this.#isFailing = again.length > 0
    this.#waiting.unshift(...again)
    const count = this.#allowance.takeUncounted()
    if (count > 0) this.#deps.log.warn({ count }, 'too many denials to count by caller and chain')
  }

  /** Resolves with the row if the write must be retried, with `undefined` otherwise. */
  async #record(row: DenialRow): Promise<DenialRow | undefined> {
    try {
      await this.#deps.record(denialEntry(row, row.denial.subjectId))
      return undefined
    } catch (error) {
      const code = error instanceof AuditError ? error.code : 'internal'
      if (code === 'personal_data_in_chain') return this.#recordWithType(row)
      // An unknown Domain has no chain, so its denial is only logged.
      if (RETRIABLE.has(code)) return row
      this.#logLost(row, code)
      return undefined
    }
  }

  /**
   * Records the subject with its type (`user:<id>`). A short id can be part of our own words ("audit"), and the check for
   * personal data then refuses the row.
   */
  async #recordWithType(row: DenialRow): Promise<undefined> {
    await this.#deps
      .record(denialEntry(row, row.denial.subject))
      .catch((error: unknown) => this.#logLost(row, error instanceof AuditError ? error.code : 'internal'))
    return undefined
  }

  #logLost({ denial, count }: DenialRow, why: string): void {
    this.#deps.log.warn(
      {
        correlation_id: denial.correlationId,
        domain_id: denial.domainId,
        reason: denial.reason,
        count,
        error: why,
      },
      'a denial is not on the chain',
    )
  }
}

/** Errors after which nothing was written and a retry may succeed. */
const RETRIABLE: ReadonlySet<string> = new Set(['database_unavailable', 'lock_timeout', 'pepper_unavailable'])
