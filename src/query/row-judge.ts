import { AuditError } from '../base/errors.js'
import type { RowCheck } from '../chain/evidence/finding-evidence.js'
import { type Checked, TWICE } from '../chain/evidence/row-check.js'
import type { Hasher } from '../chain/hash.js'
import type { ReadEntry } from '../ports/query.js'
import { checkRow } from './check.js'

/** A row that does not recompute, or is not linked to the row before it. */
export interface RowProblem {
  readonly domainId: string
  readonly seq: number
  /** What is wrong, after "row N". */
  readonly problem: string
}

/** A row of an answer, with what recomputing it shows. */
export interface CheckedEntry {
  readonly entry: ReadEntry
  /** Absent for a row of a generation that this program cannot encode. */
  readonly check?: RowCheck | undefined
}

/** Recomputes the rows of one answer in the order of seq, ascending or descending. */
export class RowJudge {
  readonly #hasher: Hasher
  readonly #onProblem: ((problem: RowProblem) => void) | undefined
  readonly #counts = { ok: 0, damaged: 0, unlinked: 0 }
  #unchecked: AuditError | undefined
  #before: number | undefined

  /** `onProblem` receives each row that is damaged or unlinked. */
  constructor(hasher: Hasher, onProblem?: (problem: RowProblem) => void) {
    this.#hasher = hasher
    this.#onProblem = onProblem
  }

  /** The number of rows by what was found. */
  get counts(): Readonly<Record<RowCheck, number>> {
    return this.#counts
  }

  /** The number of rows that are damaged or unlinked. */
  get found(): number {
    return this.#counts.damaged + this.#counts.unlinked
  }

  judge(entry: ReadEntry): CheckedEntry {
    const { domainId, seq } = entry
    const checked = seq === this.#before ? TWICE : this.#check(entry)
    this.#before = seq
    if (checked === undefined) return { entry }
    const { check, problem } = checked
    this.#counts[check] += 1
    if (problem !== undefined) this.#onProblem?.({ domainId, seq, problem })
    return { entry, check }
  }

  /** Throws `generation_unknown` if there was a row that this program cannot recompute. */
  assertChecked(): void {
    if (this.#unchecked !== undefined) throw this.#unchecked
  }

  #check(row: ReadEntry): Checked | undefined {
    try {
      return checkRow(row, this.#hasher)
    } catch (error) {
      if (!(error instanceof AuditError) || error.code !== 'generation_unknown') throw error
      this.#unchecked ??= error
      return undefined
    }
  }
}
