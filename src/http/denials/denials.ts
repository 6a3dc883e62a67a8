import type { InputEntry } from '../../append/input/input-line.js'
import { AuditError } from '../../base/errors.js'
import type { Placed } from '../../ports/append.js'
import type { Denial, DenialLog, HttpLog } from '../deps.js'
import { DenialAllowance } from './allowance.js'
import { type DenialRow, denialEntry } from './entry.js'

/** Rows that wait to be written; at some 1 KB each. */
const MAX_WAITING = 1_000

/** Milliseconds between two writes: a row that followed its answer at once would tell, by the next one's time, of itself. */
const TICK = 250

/** Milliseconds until the next try when nothing could be written. */
const PATIENCE = 5_000

export interface DenialDeps {
  /** Appends one entry, as Sink.record does. */
  readonly record: (entry: InputEntry) => Promise<readonly Placed[]>
  readonly log: HttpLog
}

/**
 * Denied requests as rows of the chain that they were about (http.md, "Denied reads"), after the answer: a bounded queue
 * that is written a few times a second. What it has no room for, and what a caller repeats, becomes one row that counts.
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
    if (this.#allowance.takes(denial, performance.now(), hasRoom)) this.#waiting.push({ denial, count: 1 })
    this.#schedule(TICK)
  }

  /** Writes all that is left; tells in the log what could not be written. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#writing
    this.#isFailing = false
    await this.#write(Number.POSITIVE_INFINITY)
    clearTimeout(this.#timer)
    for (const row of this.#waiting.splice(0)) this.#tellLost(row, 'not written before the end')
  }

  #schedule(delay: number): void {
    if (this.#timer !== undefined || this.#writing !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#writing = this.#write(performance.now()).finally(() => {
        this.#writing = undefined
        if (this.#isFailing) this.#schedule(PATIENCE)
        else if (this.#waiting.length > 0 || this.#allowance.isOpen) this.#schedule(TICK)
      })
    }, delay)
    this.#timer.unref()
  }

  /** While older rows cannot be written no more are made: they are counted where they are. */
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

  /** The row where it is to be tried again. */
  async #record(row: DenialRow): Promise<DenialRow | undefined> {
    try {
      await this.#deps.record(denialEntry(row, row.denial.subjectId))
      return undefined
    } catch (error) {
      const code = error instanceof AuditError ? error.code : 'internal'
      if (code === 'personal_data_in_chain') return this.#recordAs(row)
      // An unknown Domain has no chain; the log is all there is.
      if (MAY_PASS.has(code)) return row
      this.#tellLost(row, code)
      return undefined
    }
  }

  /** A short id can stand in our own words ("audit"), and is then taken for personal data in them. */
  async #recordAs(row: DenialRow): Promise<undefined> {
    await this.#deps
      .record(denialEntry(row, row.denial.subject))
      .catch((error: unknown) => this.#tellLost(row, error instanceof AuditError ? error.code : 'internal'))
    return undefined
  }

  #tellLost({ denial, count }: DenialRow, why: string): void {
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

/** Nothing was written, and the next try may. */
const MAY_PASS: ReadonlySet<string> = new Set(['database_unavailable', 'pepper_unavailable'])
