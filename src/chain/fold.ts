import { canonicalProblem } from './canonical-problem.js'
import type { ChainHead } from './entry.js'
import type { ContextRow, RowFields } from './evidence/finding-evidence.js'
import { type Finding, type FindingCounts, Findings, inOrder } from './finding.js'
import { rowEvidence } from './finding-fingerprint.js'
import { asHash, type Hasher, ZERO_HASH } from './hash.js'
import { LIMITS } from './limits.js'
import { type SeenHead, SignedHeads } from './log/signed-heads.js'
import { Pins } from './pins.js'
import { placeProblem } from './row-place.js'
import {
  BEFORE_ALL_TIMES,
  type ClockAhead,
  ClockWatch,
  isEarlier,
  microsOfTime,
  type RowTime,
  rowTimeText,
  timeHigh,
  timeLow,
} from './row-time.js'
import { uuidBytes } from './uuid-bytes.js'

/**
 * One stored row as every source gives it to the fold. `canonical` is only read while {@link ChainFold.add} runs, so a
 * source may reuse its buffer. A row that the source could not turn into canonical bytes has a `problem` instead.
 */
export interface StoredRow {
  readonly seq: number
  readonly canonical?: Uint8Array | undefined
  readonly problem?: string | undefined
  /** A hash of the stored bytes of a row that has a `problem`. */
  readonly bytesHash?: string | undefined
  /** The fields of a row that has a `problem`, as far as the source could read them. They are shown, and never judged. */
  readonly fields?: RowFields | undefined
  /**
   * The canonical bytes that a row with a `problem` holds all the same, where they are the row's and hash with its prev_hash to
   * its entry_hash. They are shown, and never judged.
   */
  readonly own?: Uint8Array | undefined
  /** The code of a damaged row of this source. Default: `malformed_row`. */
  readonly problemCode?: 'malformed_row' | 'object_malformed' | undefined
  /** A generation that this reader does not know. The row could not be checked, which is not a finding. */
  readonly unknownGeneration?: number | undefined
  readonly prevHash?: string | undefined
  readonly entryHash?: string | undefined
}

/** What the fold must know of a row that it did not judge itself. */
export interface PassedRow {
  readonly hash: string
  readonly time: RowTime
}

/** A row that could not be checked. */
export interface Unchecked {
  readonly seq: number
  readonly generation: number
}

/** What the fold found in one segment of one chain. Plain data, because it is sent between workers. */
export interface FoldResult {
  readonly rows: number
  /** The last row of the segment as stored; absent where its entry_hash is not a hash. */
  readonly last?: ChainHead | undefined
  /**
   * When the first and the last row that recompute were recorded, in microseconds since 1970-01-01T00:00:00Z; absent where
   * there is no such row.
   */
  readonly recorded?: { readonly first: bigint; readonly last: bigint } | undefined
  readonly findings: readonly Finding[]
  /** The last rows, to show them with a finding about the end of the chain; absent where no evidence is kept. */
  readonly lastRows?: readonly ContextRow[] | undefined
  readonly unchecked?: Unchecked | undefined
  /** The signed heads at whose seq there is a row, ascending; absent where none was given. */
  readonly heads?: readonly SeenHead[] | undefined
  /** The rows that recompute and are ahead of the clock; absent without a clock. */
  readonly clockAhead?: ClockAhead | undefined
}

export interface FoldOptions {
  /** First seq of the segment, 1 or more. Of earlier rows, only the direct predecessor is read, for the link. */
  readonly fromSeq: number
  /** Last seq of the segment, at most the chain's last stored seq. Rows missing before it are a gap. Default: no limit. */
  readonly toSeq?: number | undefined
  readonly hasher: Hasher
  /** The chain that the rows must belong to, lower-case. Default: whatever the source says. */
  readonly domainId?: string | undefined
  /** Heads that were noted earlier and must still be there, each in the segment or its predecessor. */
  readonly pins?: readonly ChainHead[]
  /** Signed heads to compare rows with, each in the segment or its predecessor. They give no finding by themselves. */
  readonly heads?: readonly ChainHead[] | undefined
  /** The time that the first row must not be before, where the row before the segment is not added. Default: none. */
  readonly notBefore?: RowTime | undefined
  /** The clock in microseconds since 1970-01-01T00:00:00Z. Default: none, and no row is ahead of it. */
  readonly now?: bigint | undefined
  /** The rows are a selection and the rows between them were not requested, so a gap is not a finding. Default: false. */
  readonly isSelection?: boolean | undefined
}

/**
 * With more rows than this at one seq, the link after them is not judged, as after a gap. Otherwise a hostile table of
 * duplicates could make the fold compare every row with every other.
 */
const MAX_CANDIDATES = 16

/**
 * Judges the rows of one chain, in ascending order of seq (FORMAT.md, "Judging a chain"). Never throws, whatever the
 * rows hold. The walk continues from the stored hashes, so that one edit is one finding.
 */
export class ChainFold {
  readonly #options: FoldOptions
  readonly #hasher: Hasher
  readonly #domain: Uint8Array | undefined
  readonly #pins: Pins
  /** The signed heads, which the fast path compares too. */
  readonly heads: SignedHeads
  readonly #findings: Findings
  #rows = 0
  #unchecked: Unchecked | undefined
  readonly #clock: ClockWatch
  /** The seq that the walk has reached, and the number of rows with that seq. */
  #seq: number
  #rowsAtSeq = 0
  /** The hashes of the rows at #seq, and the hashes that they must link to: several for a duplicated seq, none after a gap. */
  #hashes: string[]
  #before: readonly string[] = []
  /** The entry_hash that was computed last. */
  #computed: string | undefined
  /** The time of the nearest row before #seq that recomputes, and the earliest time of the rows at #seq that do. */
  #timeBefore: RowTime
  #time: RowTime | undefined
  /** The time of the first row of the segment that recomputes. */
  #firstTime: RowTime | undefined

  constructor(options: FoldOptions) {
    this.#options = options
    this.#hasher = options.hasher
    this.#findings = new Findings(options.hasher)
    this.#domain = options.domainId === undefined ? undefined : uuidBytes(options.domainId)
    this.#pins = new Pins(options.pins ?? [])
    this.heads = new SignedHeads(options.heads)
    this.#clock = new ClockWatch(options.now)
    this.#seq = options.fromSeq - 1
    this.#hashes = this.#seq === 0 ? [ZERO_HASH] : []
    this.#timeBefore = options.notBefore ?? BEFORE_ALL_TIMES
  }

  add(row: StoredRow): void {
    if (row.seq < this.#options.fromSeq && this.#options.fromSeq > 1) {
      this.#takePredecessor(row)
      return
    }
    this.#rows += 1
    const problem = this.#seqProblem(row.seq)
    if (problem !== undefined) {
      this.#malformed(row, problem)
      return
    }
    this.#stepTo(row)
    this.#judge(row)
    this.#remember(row)
  }

  /**
   * Counts `rows` intact rows that follow, up to the row `seq`, which is `last` and follows `before` (fast-path.ts). `first` is
   * the time of the first of them.
   */
  pass(rows: number, seq: number, first: RowTime, before: PassedRow, last: PassedRow): void {
    this.#rows += rows
    this.#firstTime ??= first
    this.#seq = seq
    this.#rowsAtSeq = 1
    this.#before = [before.hash]
    this.#hashes = [last.hash]
    this.#timeBefore = before.time
    this.#time = last.time
  }

  /** The row that the walk has reached. It has a hash only where the next row can link to no other. */
  get position(): { readonly seq: number; readonly hash: string | undefined; readonly time: RowTime } {
    const hash = this.#rowsAtSeq <= 1 ? this.#hashes[0] : undefined
    return { seq: this.#seq, hash, time: this.#latestTime }
  }

  /** The time that the next row must not be before. */
  get #latestTime(): RowTime {
    return this.#time ?? this.#timeBefore
  }

  /** Whether there is no finding so far. */
  get isIntact(): boolean {
    return this.#findings.isEmpty
  }

  /** How many findings there are so far. */
  get counts(): FindingCounts {
    return this.#findings.counts
  }

  /** Ends the walk. `toSeq` is the end of the segment for a source that learns it only now. */
  finish(toSeq = this.#options.toSeq): FoldResult {
    if (toSeq !== undefined && this.#seq < toSeq) this.#findGap(toSeq + 1, undefined)
    this.#pins.report(this.#findings)
    return this.#result(this.#findings.sorted(), this.heads.seen())
  }

  /** The result for the rows that were added, where the rest cannot be read: what may come later is not judged. */
  soFar(): FoldResult {
    const findings = [...this.#findings.sorted(), ...this.#pins.contradicted(this.#seq)]
    return this.#result(inOrder(findings), this.heads.seen(this.#seq))
  }

  #result(findings: Finding[], heads: readonly SeenHead[]): FoldResult {
    const { fromSeq } = this.#options
    const hash = this.#hashes.at(-1)
    return {
      rows: this.#rows,
      last: this.#seq >= fromSeq && hash !== undefined ? { seq: this.#seq, hash } : undefined,
      recorded: this.#recorded,
      findings,
      unchecked: this.#unchecked,
      ...(this.#options.heads !== undefined && { heads }),
      clockAhead: this.#clock.ahead,
    }
  }

  get #recorded(): FoldResult['recorded'] {
    if (this.#firstTime === undefined) return undefined
    return { first: microsOfTime(this.#firstTime), last: microsOfTime(this.#latestTime) }
  }

  #takePredecessor(row: StoredRow): void {
    if (row.seq !== this.#seq) return
    this.#rowsAtSeq += 1
    this.#takeTime(row)
    this.#remember(row)
  }

  /** Takes the time of a row that is not judged, if the row recomputes. */
  #takeTime({ seq, canonical, prevHash, entryHash, problem }: StoredRow): void {
    const hash = asHash(prevHash)
    if (canonical === undefined || hash === undefined || problem !== undefined) return
    const isSound =
      this.#hasher.entry(hash, canonical) === entryHash && this.#contentProblem(seq, canonical) === undefined
    if (isSound) this.#rememberTime(timeOf(canonical))
  }

  #seqProblem(seq: number): string | undefined {
    if (!Number.isInteger(seq) || seq < 1 || seq > LIMITS.maxSeq) return 'seq: expected 1 to 2^53-1'
    return seq < this.#seq ? `seq: out of order, after row ${this.#seq}` : undefined
  }

  /** Moves the walk to the row's seq, and reports a step that is not to the next seq. */
  #stepTo(row: StoredRow): void {
    if (row.seq === this.#seq) {
      this.#rowsAtSeq += 1
      const detail = `seq ${row.seq} is there more than once`
      this.#find('duplicate_seq', row, detail, this.#hashes[0], row.entryHash)
      return
    }
    const isNext = row.seq === this.#seq + 1
    if (!isNext) this.#findGap(row.seq, row.prevHash)
    this.#before = isNext && this.#rowsAtSeq <= MAX_CANDIDATES ? this.#hashes : []
    this.#hashes = []
    this.#timeBefore = this.#latestTime
    this.#time = undefined
    this.#seq = row.seq
    this.#rowsAtSeq = 1
  }

  #remember(row: StoredRow): void {
    const entryHash = this.#hashOf(row.entryHash)
    this.#pins.check(this.#seq, entryHash)
    this.heads.check(this.#seq, entryHash)
    if (entryHash !== undefined && this.#hashes.length < MAX_CANDIDATES) this.#hashes.push(entryHash)
  }

  /** Returns a stored hash if it is well-formed. In an intact chain it is the one just computed, which needs no check. */
  #hashOf(text: string | undefined): string | undefined {
    return text === this.#computed ? text : asHash(text)
  }

  #judge(row: StoredRow): void {
    const prevHash = this.#hashOf(row.prevHash)
    if (row.unknownGeneration === undefined) this.#judgeHash(row, prevHash)
    else this.#unchecked ??= { seq: row.seq, generation: row.unknownGeneration }
    this.#judgeLink(row, prevHash)
  }

  #judgeHash(row: StoredRow, prevHash: string | undefined): void {
    const { canonical, problem } = row
    if (problem !== undefined || canonical === undefined || prevHash === undefined) {
      this.#malformed(row, problem ?? 'canonical bytes or prev_hash are missing')
      return
    }
    this.#computed = this.#hasher.entry(prevHash, canonical)
    if (this.#computed !== row.entryHash) this.#judgeMismatch(row, canonical)
    else if (this.#judgeContent(row, canonical)) this.#judgeTime(row, timeOf(canonical))
  }

  /** Decides whether prev_hash or something else was changed in a row that does not hash to its entry_hash. */
  #judgeMismatch(row: StoredRow, canonical: Uint8Array): void {
    const { prevHash, entryHash } = row
    if (asHash(entryHash) === undefined) {
      this.#malformed(row, 'entry_hash: expected 32 bytes')
      return
    }
    const canonicalHash = this.#hasher.canonical(canonical)
    const original = this.#before.find((hash) => this.#hasher.link(hash, canonicalHash) === entryHash)
    if (original === undefined) {
      this.#find('entry_hash_mismatch', row, 'does not hash to its entry_hash', this.#computed, entryHash)
      return
    }
    // If the link does not hold either, that finding has the same code and seq and merges into this one.
    this.#find('broken_link', row, 'prev_hash was changed; the row itself is whole', original, prevHash)
    this.#judgeContent(row, canonical)
  }

  /** Finds a row whose hash is right, but whose content this product would not have written. Returns whether it is sound. */
  #judgeContent(row: StoredRow, canonical: Uint8Array): boolean {
    const problem = this.#contentProblem(row.seq, canonical)
    if (problem !== undefined) this.#malformed(row, problem)
    return problem === undefined
  }

  #contentProblem(seq: number, canonical: Uint8Array): string | undefined {
    return canonicalProblem(canonical) ?? placeProblem(canonical, seq, this.#domain)
  }

  /** Finds a row that recomputes and is before an earlier row: an append takes the later of the clock and that row's time. */
  #judgeTime(row: StoredRow, time: RowTime): void {
    if (isEarlier(time, this.#timeBefore)) {
      const [text, before] = [rowTimeText(time), rowTimeText(this.#timeBefore)]
      const detail = `recorded_at ${text} is before ${before}, the time of an earlier row`
      this.#find('malformed_row', row, detail, undefined, row.entryHash)
    }
    this.#firstTime ??= time
    this.#rememberTime(time)
    this.#clock.note(row.seq, time)
    this.heads.time(row.seq, time)
  }

  #rememberTime(time: RowTime): void {
    if (this.#time === undefined || isEarlier(time, this.#time)) this.#time = time
  }

  #malformed(row: StoredRow, problem: string): void {
    this.#find(row.problemCode ?? 'malformed_row', row, problem, undefined, row.entryHash)
  }

  #judgeLink(row: StoredRow, prevHash: string | undefined): void {
    const [expected] = this.#before
    if (expected === undefined || prevHash === undefined || this.#before.includes(prevHash)) return
    this.#find('broken_link', row, 'prev_hash is not the entry_hash of the previous row', expected, prevHash)
  }

  /** Reports that rows are missing between the walk's seq and `next`. */
  #findGap(next: number, expected: string | undefined): void {
    if (this.#options.isSelection === true) return
    const [seqFrom, seqTo] = [this.#seq + 1, next - 1]
    const detail = `${seqTo - seqFrom + 1} missing before row ${next}`
    this.#findings.add({ code: 'seq_gap', seqFrom, seqTo, expected, detail })
  }

  #find(
    code: Finding['code'],
    row: StoredRow,
    detail: string,
    expected: string | undefined,
    observed: string | undefined,
  ): void {
    const { seq } = row
    const rows = rowEvidence(row, this.#hasher, expected, observed)
    this.#findings.add({ code, seqFrom: seq, seqTo: seq, expected, observed, detail, rows })
  }
}

function timeOf(canonical: Uint8Array): RowTime {
  return { high: timeHigh(canonical), low: timeLow(canonical) }
}
