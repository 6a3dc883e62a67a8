import type { ChainHead } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import { ChainFold, type StoredRow } from '../chain/fold.js'
import { asHash, type Hasher } from '../chain/hash.js'
import type { RowTime } from '../chain/row-time.js'

/** Rows that are uploaded together. `hash` is the entry_hash of the last row, which depends on all the others. */
export interface RunGroup {
  readonly from: number
  readonly to: number
  readonly hash: string
  /** The time that the first row must not be before. */
  readonly notBefore: RowTime
}

export interface RunJudgeOptions {
  /** The first row of the run. The row before it may be added too, for the link. */
  readonly fromSeq: number
  /** The archived row that the run ends before, if there is one; add it last. */
  readonly stampedSeq?: number | undefined
  /** The chain head, which the run ends with where no archived row follows. */
  readonly head?: ChainHead | undefined
  /** Rows of one group, at most. */
  readonly groupRows: number
  /** The time that the first row must not be before, where the row before it is not added. */
  readonly notBefore?: RowTime | undefined
  /** Whether a row counts. Called with ascending seqs. */
  readonly counts: (seq: number) => boolean
  readonly hasher: Hasher
}

export interface JudgedRun {
  /** The rows that a later hash proves, ascending. Single rows among them may have a finding of their own. */
  readonly groups: readonly RunGroup[]
  readonly first?: StoredRow | undefined
  /** The row before the run. */
  readonly before?: StoredRow | undefined
  /** 0 where the run has no row. */
  readonly lastSeq: number
  readonly lastHash?: string | undefined
  /** Whether the archived row that follows, or the head, proves the last row. */
  readonly isEndProven: boolean
  readonly rows: number
  /** Rows that no later hash proves. */
  readonly held: number
  /** Rows that are not proven only because a later row is of a generation that this program does not know. */
  readonly unchecked: number
  readonly findings: readonly Finding[]
}

/**
 * Judges a run of rows without an archive stamp. The chain has no key, so a row proves nothing about the rows after it:
 * an attacker who rewrites rows can hash them too. A row does prove the rows before it, because its hash depends on
 * theirs. So a row is proven where hashes lead back to it without a break from the end of the run: from the next archived
 * row, or from the chain head. A link, a hash, a gap or a duplicate breaks this, and no row before the break is proven.
 * Keeps one hash per group.
 */
export class RunJudge {
  readonly #options: RunJudgeOptions
  readonly #fold: ChainFold
  #groups: RunGroup[] = []
  /** The first row of the open group. */
  #groupFrom = 0
  #groupNotBefore: RowTime
  /** The time that the row being added must not be before. */
  #notBefore: RowTime
  #groupSize = 0
  #first: StoredRow | undefined
  #before: StoredRow | undefined
  #seq = 0
  #hash: string | undefined
  #rows = 0
  #held = 0
  #unchecked = 0
  /** Rows up to the head; undefined until the head was added. */
  #rowsToHead: number | undefined
  #isEndProven = false

  constructor(options: RunJudgeOptions) {
    this.#options = options
    const { fromSeq, notBefore, hasher } = options
    this.#fold = new ChainFold({ fromSeq, notBefore, hasher })
    this.#notBefore = this.#fold.position.time
    this.#groupNotBefore = this.#notBefore
  }

  /** Adds a row; call it in order of seq. Keeps only the first row of the run and the row before it. */
  add(row: StoredRow): void {
    this.#notBefore = this.#fold.position.time
    this.#fold.add(row)
    if (row.seq < this.#options.fromSeq) this.#before = copied(row)
    else if (row.seq === this.#seq) this.#startGroup(row.seq + 1, this.#fold.position.time, 'held')
    else this.#step(row)
  }

  finish(): JudgedRun {
    const held = this.#heldAtEnd()
    return {
      groups: this.#isEndProven ? this.#groups : [],
      first: this.#first,
      before: this.#before,
      lastSeq: this.#seq,
      lastHash: this.#hash,
      isEndProven: this.#isEndProven && this.#rowsBeyondHead() === 0,
      rows: this.#rows,
      held,
      unchecked: Math.max(this.#unchecked - held, 0),
      findings: this.#fold.finish().findings,
    }
  }

  #heldAtEnd(): number {
    if (this.#isEndProven) return this.#held + this.#rowsBeyondHead()
    // The archived row that should prove the end is of an unknown generation.
    return this.#unchecked === this.#rows ? this.#held : this.#rows
  }

  #rowsBeyondHead(): number {
    return this.#rowsToHead === undefined ? 0 : this.#rows - this.#rowsToHead
  }

  #step(row: StoredRow): void {
    const isBroken = this.#first !== undefined && !this.#provesLast(row)
    if (isBroken) this.#startGroup(row.seq, this.#notBefore, this.#isUnchecked(row) ? 'unchecked' : 'held')
    if (row.seq !== this.#options.stampedSeq) this.#append(row)
    else if (!isBroken && this.#first !== undefined) this.#endRun()
  }

  /** Rows that the head has proven stay proven, whatever lies beyond the head. */
  #startGroup(from: number, notBefore: RowTime, why: 'held' | 'unchecked'): void {
    if (this.#rowsToHead !== undefined) return
    if (why === 'held') this.#held = this.#rows
    else this.#unchecked = this.#rows
    this.#groups = []
    this.#groupFrom = from
    this.#groupNotBefore = notBefore
    this.#groupSize = 0
  }

  #append(row: StoredRow): void {
    if (this.#first === undefined) {
      this.#first = copied(row)
      this.#groupFrom = row.seq
      this.#groupNotBefore = this.#notBefore
    }
    this.#seq = row.seq
    this.#hash = asHash(row.entryHash)
    if (this.#options.counts(row.seq)) this.#rows += 1
    if (this.#rowsToHead !== undefined) return
    this.#groupSize += 1
    if (this.#isHead(row)) this.#endRun()
    else if (this.#groupSize >= this.#options.groupRows) this.#closeGroup()
  }

  #isHead({ seq, entryHash }: StoredRow): boolean {
    const { stampedSeq, head } = this.#options
    return stampedSeq === undefined && head?.seq === seq && head.hash === entryHash
  }

  #endRun(): void {
    if (this.#groupSize > 0) this.#closeGroup()
    this.#rowsToHead = this.#rows
    this.#isEndProven = true
  }

  #closeGroup(): void {
    const [from, to, hash, notBefore] = [this.#groupFrom, this.#seq, this.#hash, this.#groupNotBefore]
    if (hash !== undefined) this.#groups.push({ from, to, hash, notBefore })
    this.#groupFrom = this.#seq + 1
    this.#groupNotBefore = this.#fold.position.time
    this.#groupSize = 0
  }

  #provesLast(row: StoredRow): boolean {
    if (row.seq !== this.#seq + 1 || this.#hash === undefined || row.unknownGeneration !== undefined)
      return false
    // Without a finding so far, the fold has checked that each row hashes with its own prev_hash.
    if (this.#fold.isIntact) return row.prevHash === this.#hash
    return isHashedFrom(row, this.#hash, this.#options.hasher)
  }

  #isUnchecked(row: StoredRow): boolean {
    const { seq, unknownGeneration, prevHash } = row
    return unknownGeneration !== undefined && seq === this.#seq + 1 && prevHash === this.#hash
  }
}

/** Returns whether a row's entry_hash is computed from `hash`, whatever its prev_hash says. */
export function isHashedFrom({ canonical, entryHash }: StoredRow, hash: string, hasher: Hasher): boolean {
  return canonical !== undefined && hasher.entry(hash, canonical) === entryHash
}

/** Copies the canonical bytes, because a source may reuse them. */
function copied(row: StoredRow): StoredRow {
  return row.canonical === undefined ? row : { ...row, canonical: Uint8Array.from(row.canonical) }
}
