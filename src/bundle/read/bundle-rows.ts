import { decodeCanonical } from '../../chain/canonical.js'
import { type PreviousRow, previousOf } from '../../chain/evidence/row-check.js'
import type { ByteRow } from '../../chain/fast-path.js'
import type { StoredRow } from '../../chain/fold.js'
import { FormatError } from '../../chain/format-error.js'
import { LIMITS } from '../../chain/limits.js'
import { reasonOrdinal } from '../../chain/reason.js'
import { placeProblem } from '../../chain/row-place.js'
import { uuidBytes } from '../../chain/uuid-bytes.js'
import type { ReadEntry, SeqRange } from '../../ports/query.js'
import type { ReadProblem } from '../../query/read-problem.js'
import { LineReader, type LineTaker } from '../line-reader.js'
import type { ReadManifest } from '../manifest.js'

/** Collects the rows of a bundle that are in a range, segment by segment, each with the row before it as far as the file shows it. */
export class BundleRows implements LineTaker {
  readonly #manifest: ReadManifest
  readonly #range: Pick<SeqRange, 'after' | 'upTo'>
  readonly #onProblem: (problem: ReadProblem) => void
  readonly #lines = new LineReader(this)
  readonly #domain: Uint8Array
  #rows: ReadEntry[] = []
  #last: PreviousRow | undefined
  /** Lines since the last row that are not rows. */
  #unread = 0

  constructor(
    manifest: ReadManifest,
    range: Pick<SeqRange, 'after' | 'upTo'>,
    onProblem: (problem: ReadProblem) => void,
  ) {
    this.#manifest = manifest
    this.#domain = uuidBytes(manifest.domain_id)
    this.#range = range
    this.#onProblem = onProblem
  }

  /** Whether a row above the range was read: rows ascend, so no row of the range follows. */
  get isPast(): boolean {
    return this.#last !== undefined && this.#last.seq > (this.#range.upTo ?? LIMITS.maxSeq)
  }

  /** Returns the rows of one segment. */
  read(content: Buffer): readonly ReadEntry[] {
    this.#rows = []
    this.#lines.read(content)
    return this.#rows
  }

  /** Returns the rows of lines at the end of the file that are not rows. */
  rest(): readonly ReadEntry[] {
    this.#rows = []
    const { kind, toEnd, toSeq } = this.#manifest.selection
    this.#resolve(toEnd || kind === 'filtered' ? Number.POSITIVE_INFINITY : toSeq + 1)
    return this.#rows
  }

  add(row: ByteRow): void {
    const { prevHash, entryHash } = row.stored()
    const { seq } = row
    const domainId = this.#manifest.domain_id
    this.#take({ seq, entryHash }, () => ({
      ...decoded(row.canonical, seq, this.#domain),
      domainId,
      seq,
      prevHash,
      entryHash,
    }))
  }

  addStored({ seq, prevHash, entryHash, problem = 'the export found none' }: StoredRow): void {
    const domainId = this.#manifest.domain_id
    const what = `${NO_BYTES}${problem}`
    this.#take({ seq, entryHash }, () => ({ domainId, seq, prevHash, entryHash, problem: what }))
  }

  addMalformed(): void {
    this.#unread += 1
  }

  /** Takes the lines that are not rows, before the row `next`. A line stands for the first row that is missing, if one is. */
  #resolve(next: number): void {
    const { domain_id: domainId, selection } = this.#manifest
    for (; this.#unread > 0; this.#unread -= 1) {
      const before = this.#last?.seq ?? selection.fromSeq - 1
      const seq = before + 1
      if (seq >= next || selection.kind === 'filtered') {
        this.#reportLine(before)
        continue
      }
      const problem = `${NO_BYTES}its line in the bundle is not a row`
      this.#place({ seq }, () => ({ domainId, seq, problem }))
    }
  }

  /** Reports a line that is not a row, where it may belong to the range. */
  #reportLine(before: number): void {
    const { after, upTo = LIMITS.maxSeq } = this.#range
    if (before < after || before > upTo) return
    this.#onProblem({ seq: before, problem: `a line after row ${before} is not a row` })
  }

  #take(row: PreviousRow, entry: () => ReadEntry): void {
    const { seq } = row
    const problem = this.#placeProblem(seq)
    if (problem !== undefined) {
      this.#onProblem({ seq, problem: `row ${seq} ${problem}` })
      return
    }
    this.#resolve(seq)
    this.#place(row, entry)
  }

  #place(row: PreviousRow, entry: () => ReadEntry): void {
    const { seq } = row
    const { after, upTo = LIMITS.maxSeq } = this.#range
    if (seq > after && seq <= upTo) this.#rows.push({ ...entry(), previous: this.#before(seq) })
    this.#last = row
  }

  #placeProblem(seq: number): string | undefined {
    if (seq < 1 || seq > LIMITS.maxSeq) return 'has a seq outside 1 to 2^53-1'
    return seq < (this.#last?.seq ?? 0) ? 'is out of order in the bundle' : undefined
  }

  /** Returns the stored row before a row; undefined where the bundle does not show which one that is. */
  #before(seq: number): PreviousRow | undefined {
    const { selection, predecessor } = this.#manifest
    const first = predecessor && { seq: predecessor.seq, entryHash: predecessor.hash }
    const isSelection = selection.kind === 'filtered'
    return previousOf(seq, this.#last ?? first, { isFromStart: selection.fromSeq === 1, isSelection })
  }
}

/** How the problem of a row begins that has no canonical bytes of its own. */
export const NO_BYTES = 'has no canonical bytes: '

type Fields = Omit<ReadEntry, 'domainId' | 'seq'>

/** Copies the bytes, because the reader of lines reuses them. Bytes that are not this row's give no field. */
function decoded(bytes: Uint8Array, seq: number, domain: Uint8Array): Fields {
  const canonical = Uint8Array.from(bytes)
  try {
    const entry = decodeCanonical(canonical)
    const problem = placeProblem(canonical, seq, domain)
    if (problem !== undefined) return { canonical, problem: `${NO_BYTES}${problem}` }
    return { ...entry, reason: reasonOrdinal(entry.reason), canonical }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return { canonical, problem: `${NO_BYTES}${error.message}` }
  }
}
