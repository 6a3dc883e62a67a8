import { canonicalProblem } from './canonical-problem.js'
import type { ChainHead } from './entry.js'
import { type Finding, Findings } from './finding.js'
import { type Hasher, ZERO_HASH } from './hash.js'
import { LIMITS } from './limits.js'

/**
 * One stored row as any source hands it to the fold. `canonical` is only read while {@link ChainFold.add} runs, so a
 * source may reuse its buffer. What a source could not turn into canonical bytes has a `problem` instead.
 */
export interface StoredRow {
  readonly seq: number
  readonly canonical?: Uint8Array | undefined
  readonly problem?: string | undefined
  /** A generation that this reader does not know: it could not check the row, which is no finding. */
  readonly unknownGeneration?: number | undefined
  readonly prevHash?: string | undefined
  readonly entryHash?: string | undefined
}

/** A row that could not be checked. */
export interface Unchecked {
  readonly seq: number
  readonly generation: number
}

/** What the fold saw in one segment of one chain. Plain data: it crosses a worker's boundary. */
export interface FoldResult {
  readonly rows: number
  /** The last row of the segment as stored. */
  readonly last?: ChainHead | undefined
  readonly findings: readonly Finding[]
  readonly unchecked?: Unchecked | undefined
}

export interface FoldOptions {
  /** First seq of the segment; a row before it is taken as the predecessor only. */
  readonly fromSeq: number
  readonly hasher: Hasher
  /** Heads that were seen before and must still be in the chain. */
  readonly pins?: readonly ChainHead[]
}

/**
 * Judges the rows of one chain, in ascending order of seq, as cli.md says ("How the fold judges"). It never throws for
 * what it finds. The walk goes on from the stored hashes, so that one edit is one finding.
 */
export class ChainFold {
  readonly #hasher: Hasher
  readonly #fromSeq: number
  readonly #findings = new Findings()
  /** Pinned hashes by seq that no row has answered yet, with what was stored there. */
  readonly #pins: { readonly pin: ChainHead; met: boolean; observed?: string | undefined }[]
  #rows = 0
  #unchecked: Unchecked | undefined
  #seq: number
  /** entry_hash of each row stored at #seq: more than one where a seq is duplicated, none after a gap. */
  #hashes: (string | undefined)[]
  /** The same for the row before #seq: what rows at #seq must link to. */
  #before: readonly (string | undefined)[] = []

  constructor(options: FoldOptions) {
    this.#hasher = options.hasher
    this.#fromSeq = options.fromSeq
    this.#pins = (options.pins ?? []).map((pin) => ({ pin, met: false }))
    this.#seq = options.fromSeq - 1
    this.#hashes = this.#seq === 0 ? [ZERO_HASH] : []
  }

  add(row: StoredRow): void {
    if (row.seq >= 1 && row.seq < this.#fromSeq) {
      this.#hashes.push(row.entryHash)
      return
    }
    this.#rows += 1
    if (row.seq < 1 || row.seq > LIMITS.maxSeq) {
      this.#find('malformed_row', row, 'seq: expected 1 to 2^53-1', undefined, row.entryHash)
      return
    }
    this.#place(row)
    this.#answerPins(row)
    this.#judge(row)
  }

  finish(): FoldResult {
    for (const { pin, met, observed } of this.#pins) {
      if (met) continue
      this.#findings.add({
        code: 'unexpected_head',
        seqFrom: pin.seq,
        seqTo: pin.seq,
        expected: pin.hash,
        observed,
        detail: `the pinned head ${pin.seq} is not in the chain`,
      })
    }
    const hash = this.#hashes.at(-1)
    return {
      rows: this.#rows,
      last: this.#rows > 0 && hash !== undefined ? { seq: this.#seq, hash } : undefined,
      findings: this.#findings.sorted(),
      unchecked: this.#unchecked,
    }
  }

  /** Moves the walk on to the row's seq and reports the step if it is not the next one. */
  #place(row: StoredRow): void {
    if (row.seq === this.#seq) {
      this.#find(
        'duplicate_seq',
        row,
        `seq ${row.seq} is there more than once`,
        this.#hashes[0],
        row.entryHash,
      )
      this.#hashes.push(row.entryHash)
      return
    }
    const isNext = row.seq === this.#seq + 1
    if (!isNext) {
      const [seqFrom, seqTo] = [this.#seq + 1, row.seq - 1]
      const detail = `${seqTo - seqFrom + 1} missing before row ${row.seq}`
      this.#findings.add({ code: 'seq_gap', seqFrom, seqTo, expected: row.prevHash, detail })
    }
    this.#before = isNext ? this.#hashes : []
    this.#hashes = [row.entryHash]
    this.#seq = row.seq
  }

  #judge(row: StoredRow): void {
    if (row.unknownGeneration !== undefined) {
      this.#unchecked ??= { seq: row.seq, generation: row.unknownGeneration }
    } else if (this.#judgeHash(row) === 'relinked') {
      return
    }
    this.#judgeLink(row)
  }

  #judgeHash(row: StoredRow): 'judged' | 'relinked' {
    const { canonical, prevHash, entryHash } = row
    if (canonical === undefined || prevHash === undefined || entryHash === undefined) {
      this.#find('malformed_row', row, row.problem ?? 'a hash is missing', undefined, entryHash)
      return 'judged'
    }
    const canonicalHash = this.#hasher.canonical(canonical)
    const expected = this.#hasher.link(prevHash, canonicalHash)
    if (expected === entryHash) {
      const problem = canonicalProblem(canonical)
      if (problem !== undefined) this.#find('malformed_row', row, problem, undefined, entryHash)
      return 'judged'
    }
    const original = this.#before.find((hash) => hash && this.#hasher.link(hash, canonicalHash) === entryHash)
    if (original !== undefined) {
      this.#find('broken_link', row, 'prev_hash was changed; the row itself is whole', original, prevHash)
      return 'relinked'
    }
    this.#find('entry_hash_mismatch', row, 'the row does not hash to its entry_hash', expected, entryHash)
    return 'judged'
  }

  #judgeLink(row: StoredRow): void {
    if (row.prevHash === undefined || this.#before.includes(row.prevHash)) return
    const expected = this.#before.find((hash) => hash !== undefined)
    if (expected === undefined) return
    this.#find('broken_link', row, 'prev_hash is not the previous row’s entry_hash', expected, row.prevHash)
  }

  #answerPins(row: StoredRow): void {
    for (const entry of this.#pins) {
      if (entry.pin.seq !== row.seq) continue
      entry.met ||= row.entryHash === entry.pin.hash
      entry.observed = row.entryHash
    }
  }

  #find(
    code: Finding['code'],
    row: StoredRow,
    detail: string,
    expected: string | undefined,
    observed: string | undefined,
  ): void {
    this.#findings.add({ code, seqFrom: row.seq, seqTo: row.seq, expected, observed, detail })
  }
}

/** The last stored row of a chain, whose seq may have been duplicated. */
export interface LastRow {
  readonly seq: number
  readonly hashes: readonly string[]
}

/**
 * A chain's head against its last row, both of one snapshot. A cut tail shows here: the head still counts the rows
 * that are gone. `last` is absent where the chain has no rows.
 */
export function judgeHead(head: ChainHead | undefined, last: LastRow | undefined): Finding | undefined {
  const { seq, hashes } = last ?? { seq: 0, hashes: [ZERO_HASH] }
  const finding = (seqFrom: number, seqTo: number, detail: string): Finding => ({
    code: 'head_mismatch',
    seqFrom,
    seqTo,
    expected: hashes[0],
    observed: head?.hash,
    detail,
  })
  if (head === undefined) return finding(Math.max(seq, 1), Math.max(seq, 1), 'the chain head is missing')
  if (head.seq > seq)
    return finding(seq + 1, head.seq, `the head counts ${head.seq} rows, the last row is ${seq}`)
  if (head.seq < seq) return finding(head.seq + 1, seq, `rows beyond the head, which counts ${head.seq}`)
  return hashes.includes(head.hash)
    ? undefined
    : finding(seq, seq, 'the head is not the last row’s entry_hash')
}
