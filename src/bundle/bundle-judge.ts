import { decodeCanonical } from '../chain/canonical.js'
import { canonicalProblem } from '../chain/canonical-problem.js'
import type { ChainHead } from '../chain/entry.js'
import { CopyEvidence } from '../chain/evidence/copy-evidence.js'
import { type ByteRow, FastPath, type RowTaker } from '../chain/fast-path.js'
import { Findings } from '../chain/finding.js'
import { ChainFold, type FoldResult, type StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import type { LastRow } from '../chain/head.js'
import { LastSeen } from './last-seen.js'
import { type Selection, selects } from './selection.js'

export interface JudgeOptions {
  readonly domainId: string
  readonly selection: Pick<Selection, 'kind' | 'fromSeq' | 'toEnd' | 'filter'> & {
    /** Absent where the end is known only after the last row. */
    readonly toSeq?: number | undefined
  }
  readonly pins: readonly ChainHead[]
  readonly heads?: readonly ChainHead[] | undefined
  /** The clock, in microseconds since 1970, where a row ahead of it is to be noted. */
  readonly now?: bigint | undefined
  readonly hasher: Hasher
  /** Returns the last rows that were passed, oldest first, to show the rows around a finding. Absent: none are shown. */
  readonly recent?: (() => readonly StoredRow[]) | undefined
}

/** Judges the rows of a selection, while they are written to a bundle and when they are read from one. */
export class BundleJudge implements RowTaker {
  /** Findings about the bundle itself, apart from its rows. */
  readonly findings = new Findings()
  readonly #options: JudgeOptions
  readonly #fold: ChainFold
  readonly #fastPath: FastPath
  readonly #evidence: CopyEvidence | undefined
  readonly #seen = new LastSeen()
  readonly #isFiltered: boolean
  readonly #from: number
  readonly #to: number

  constructor(options: JudgeOptions) {
    const { domainId, selection, pins, heads, now, hasher, recent } = options
    this.#options = options
    this.#isFiltered = selection.kind === 'filtered'
    // A chain has no row below seq 1. A row that claims such a seq goes to the fold, which reports it.
    this.#from = selection.fromSeq === 1 ? Number.NEGATIVE_INFINITY : selection.fromSeq
    this.#to = selection.toSeq ?? Number.POSITIVE_INFINITY
    const { fromSeq } = selection
    const whole = { domainId, pins, heads, now, hasher, fromSeq, isSelection: this.#isFiltered }
    this.#fold = new ChainFold(whole)
    this.#evidence = recent === undefined ? undefined : new CopyEvidence({ ...whole, copy: 'bundle', recent })
    this.#fastPath = new FastPath(this.#fold, whole, this.#evidence)
  }

  /** Adds the row before the first one, only for its link. */
  addPredecessor(row: Pick<StoredRow, 'seq' | 'entryHash'>): void {
    this.#fastPath.addPredecessor(row)
  }

  add(row: ByteRow): void {
    if (this.#isFiltered || !this.#isInside(row.seq)) {
      this.addStored(row.stored())
      return
    }
    this.#fastPath.add(row)
    this.#seen.add(row)
  }

  addStored(row: StoredRow): void {
    if (!this.#isInside(row.seq)) {
      this.#addStray(row.seq)
      return
    }
    if (this.#isFiltered && !this.#isWanted(row)) this.#addStray(row.seq)
    this.#fastPath.addStored(row)
    this.#seen.addStored(row)
  }

  /** The row with the highest seq; absent where there is no row. */
  get last(): LastRow | undefined {
    return this.#seen.last
  }

  finish(): FoldResult {
    const { toEnd, toSeq, kind } = this.#options.selection
    return this.#withOwn(this.#fastPath.finish(toEnd || kind === 'filtered' ? undefined : toSeq))
  }

  /** The result for the rows that were added, where the rest cannot be read. */
  soFar(): FoldResult {
    return this.#withOwn(this.#fastPath.soFar())
  }

  #withOwn(result: FoldResult): FoldResult {
    const own = this.findings.sorted()
    if (own.length === 0) return result
    const shown = this.#evidence === undefined ? own : this.#evidence.withRows(own)
    return { ...result, findings: [...result.findings, ...shown] }
  }

  #isInside(seq: number): boolean {
    return seq >= this.#from && seq <= this.#to
  }

  #addStray(seq: number): void {
    const detail = 'the row is not part of the selection'
    this.findings.add({ code: 'orphan_object', seqFrom: seq, seqTo: seq, detail })
  }

  #isWanted({ canonical }: StoredRow): boolean {
    // A row without fields cannot be compared; the fold reports it.
    if (canonical === undefined || canonicalProblem(canonical) !== undefined) return true
    return selects(this.#options.selection.filter, decodeCanonical(canonical))
  }
}
