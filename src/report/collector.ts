import { decodeCanonical } from '../chain/canonical.js'
import { canonicalProblem } from '../chain/canonical-problem.js'
import type { Entry } from '../chain/entry.js'
import type { ByteRow } from '../chain/fast-path.js'
import type { StoredRow } from '../chain/fold.js'
import type { RowObserver } from '../ports/verify.js'
import { Tally, type TallyLimits, type TallyResult } from './tally.js'

/** A row of the selection, as it is stored. */
export interface ReportRow {
  readonly seq: number
  /** Absent where the row is damaged, so that its fields cannot be read. */
  readonly entry?: Entry | undefined
  /** Why the fields cannot be read. */
  readonly problem?: string | undefined
  readonly prevHash?: string | undefined
  readonly entryHash?: string | undefined
}

export interface SeqSpan {
  readonly fromSeq: number
  readonly toSeq: number
}

export interface CollectorOptions {
  /** Rows before this seq are read for their link only, and are not part of the report. */
  readonly fromSeq: number
  /** Whether a row is in the selection. Absent: every row is. Otherwise a row whose fields cannot be read is left out. */
  readonly isSelected?: ((entry: Entry) => boolean) | undefined
  /** Lists a row. Returns whether there was room for it. */
  readonly list: (row: ReportRow) => boolean
  /** Removes every row that was listed. */
  readonly unlist: () => void
}

/** Counts the rows of one chain for a report while they are verified, and lists them until the list is full. */
export class ReportCollector implements RowObserver {
  readonly #options: CollectorOptions
  #tally = new Tally()
  #listed = 0
  #range: SeqSpan | undefined
  #isFull = false

  constructor(options: CollectorOptions) {
    this.#options = options
  }

  /** Rows that were listed. The other rows of the selection are only counted. */
  get listed(): number {
    return this.#listed
  }

  /** The first and the last seq that were listed; absent where none was. */
  get range(): SeqSpan | undefined {
    return this.#range
  }

  add(row: ByteRow): void {
    if (!this.#isInside(row.seq)) return
    const { isSelected } = this.#options
    if (canonicalProblem(row.canonical) !== undefined) this.addStored(row.stored())
    else if (isSelected === undefined && this.#isFull) this.#tally.add(row.canonical)
    else this.#addReadable(row, row.canonical)
  }

  addStored(row: StoredRow): void {
    if (!this.#isInside(row.seq)) return
    const { canonical, seq, prevHash, entryHash } = row
    const problem = canonical === undefined ? problemOf(row) : canonicalProblem(canonical)
    if (canonical !== undefined && problem === undefined) {
      this.#addReadable({ seq, stored: () => row }, canonical)
      return
    }
    if (this.#options.isSelected !== undefined) {
      this.#tally.leaveOut()
      return
    }
    this.#tally.addUnreadable()
    this.#list({ seq, problem, prevHash, entryHash })
  }

  restart(): void {
    this.#options.unlist()
    this.#tally = new Tally()
    this.#listed = 0
    this.#range = undefined
    this.#isFull = false
  }

  result(limits: TallyLimits): TallyResult {
    return this.#tally.result(limits)
  }

  #isInside(seq: number): boolean {
    return seq >= this.#options.fromSeq || this.#options.fromSeq === 1
  }

  #addReadable(row: Pick<ByteRow, 'seq' | 'stored'>, canonical: Uint8Array): void {
    const entry = decodeCanonical(canonical)
    if (this.#options.isSelected?.(entry) === false) return
    this.#tally.add(canonical)
    if (this.#isFull) return
    const { prevHash, entryHash } = row.stored()
    this.#list({ seq: row.seq, entry, prevHash, entryHash })
  }

  #list(row: ReportRow): void {
    if (this.#isFull) return
    if (!this.#options.list(row)) {
      this.#isFull = true
      return
    }
    this.#listed += 1
    const { fromSeq = row.seq, toSeq = row.seq } = this.#range ?? {}
    this.#range = { fromSeq: Math.min(fromSeq, row.seq), toSeq: Math.max(toSeq, row.seq) }
  }
}

function problemOf({ problem, unknownGeneration }: StoredRow): string {
  if (unknownGeneration !== undefined)
    return `generation ${unknownGeneration}, which this program does not know`
  return problem ?? 'it has no canonical bytes'
}
