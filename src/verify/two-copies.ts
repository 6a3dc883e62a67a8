import { Findings } from '../chain/finding.js'
import { ChainFold, type StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import { LIMITS } from '../chain/limits.js'
import type { RowSnapshot, Scan, ScanRequest } from '../ports/verify.js'
import { copyFindings, OBJECT_MISSING } from './copy-findings.js'
import { isDetached, orphan } from './detached.js'
import type { Pair } from './pair-up.js'
import { SeqRanges } from './seq-ranges.js'
import { strayFinding } from './stray.js'

/** Judges pairs of copies, ascending by seq: it compares the copies, and it checks the links of each copy. */
export class TwoCopies {
  /** Number of seqs read so far. */
  rows = 0
  /** Objects beyond the snapshot's last row, not judged yet. */
  fresh: StoredRow[] = []
  readonly #request: ScanRequest
  readonly #snapshot: RowSnapshot
  readonly #hasher: Hasher
  readonly #postgres: ChainFold
  readonly #mirror: ChainFold
  readonly #findings = new Findings()
  readonly #unstamped: SeqRanges
  /** The seq of the next pair, unless both copies have a gap. */
  #next: number
  #unarchived = 0

  constructor(request: ScanRequest, snapshot: RowSnapshot, hasher: Hasher) {
    const { domainId, fromSeq, pins } = request
    this.#request = request
    this.#snapshot = snapshot
    this.#hasher = hasher
    this.#postgres = new ChainFold({ domainId, fromSeq, pins, hasher })
    this.#mirror = new ChainFold({ domainId, fromSeq, pins, hasher })
    this.#unstamped = new SeqRanges(snapshot.unstamped)
    this.#next = fromSeq
  }

  add({ seq, rows, object }: Pair): void {
    if (object?.kind === 'stray') {
      this.#findings.add(strayFinding(object))
      return
    }
    const copy = object?.kind === 'row' ? object.row : undefined
    if (rows.length === 0 && copy === undefined) return
    this.rows += 1
    if (rows.length === 0 && copy !== undefined && seq > (this.#snapshot.last?.seq ?? 0))
      this.fresh.push(copy)
    else this.#judge(seq, rows, copy)
  }

  /** Judges the objects beyond the snapshot. Their rows were appended after it (`present`), or PostgreSQL has lost them. */
  judgeFresh(present: ReadonlySet<number>): void {
    for (const copy of this.fresh) if (!present.has(copy.seq)) this.#judge(copy.seq, [], copy)
    this.fresh = []
  }

  finish(): Scan {
    const { known, head, last, restoring } = this.#snapshot
    const end = Math.max(last?.seq ?? 0, this.#next - 1)
    // Also without a requested end: a damaged index may hide rows from one query of the snapshot and not from another.
    const { toSeq = end <= LIMITS.maxSeq ? end : 0 } = this.#request
    this.#stepTo(Math.min(toSeq, end) + 1, undefined)
    const [postgres, mirror] = [this.#postgres.finish(), this.#mirror.finish()]
    const findings = copyFindings(this.#findings.sorted(), postgres.findings, mirror.findings)
    const unchecked = postgres.unchecked ?? mirror.unchecked
    return {
      known,
      head,
      last,
      restoring,
      end,
      unarchived: this.#unarchived,
      fold: { ...postgres, findings, unchecked },
    }
  }

  #judge(seq: number, rows: readonly StoredRow[], copy: StoredRow | undefined): void {
    for (const row of rows) this.#postgres.add(row)
    if (copy !== undefined) this.#mirror.add(copy)
    // An impossible seq was forced into the table. The fold of PostgreSQL has a finding for it.
    if (seq < this.#request.fromSeq || seq > LIMITS.maxSeq) return
    if (rows.length === 0 && this.#isOrphan(seq, copy)) return
    this.#stepTo(seq, rows[0] ?? copy)
    this.#next = seq + 1
    if (copy === undefined) this.#withoutObject(seq, rows)
    else if (rows.length === 0) this.#withoutRow(seq, copy)
    else if (copy.problem === undefined && !rows.some((row) => isSame(row, copy)))
      this.#differ(seq, rows[0]?.entryHash, copy.entryHash)
  }

  #withoutObject(seq: number, rows: readonly StoredRow[]): void {
    if (this.#unstamped.has(seq)) this.#unarchived += 1
    else this.#find('object_missing', seq, rows[0]?.entryHash, undefined, OBJECT_MISSING)
  }

  #withoutRow(seq: number, copy: StoredRow): void {
    this.#find('row_missing', seq, copy.entryHash, undefined, 'the mirror has the row, Postgres does not')
  }

  /** Returns whether the object holds no row or is detached, at a seq that PostgreSQL never reached. */
  #isOrphan(seq: number, copy: StoredRow | undefined): boolean {
    const { last, head } = this.#snapshot
    if (copy === undefined || seq <= Math.max(last?.seq ?? 0, head?.seq ?? 0)) return false
    const isOrphan =
      copy.problem !== undefined || isDetached(copy, seq - this.#next, this.#request.pins, this.#hasher)
    if (isOrphan) this.#findings.add(orphan(seq, 'no row links to it, and Postgres has no row there'))
    return isOrphan
  }

  /** If a field was edited and the hash was not, both copies store the same hash, so the finding leaves it out. */
  #differ(seq: number, postgres: string | undefined, mirror: string | undefined): void {
    const [expected, observed] = postgres === mirror ? [] : [postgres, mirror]
    this.#find(
      'copies_differ',
      seq,
      expected,
      observed,
      'Postgres (expected) and the mirror (observed) differ',
    )
  }

  /** Reports a gap only if neither copy has the rows. A row that one copy lacks has a code of its own. */
  #stepTo(seq: number, next: StoredRow | undefined): void {
    if (seq <= this.#next) return
    const [seqFrom, seqTo] = [this.#next, seq - 1]
    const detail = `${seqTo - seqFrom + 1} missing before row ${seq} in both copies`
    this.#findings.add({ code: 'seq_gap', seqFrom, seqTo, expected: next?.prevHash, detail })
  }

  #find(
    code: 'object_missing' | 'row_missing' | 'copies_differ',
    seq: number,
    expected: string | undefined,
    observed: string | undefined,
    detail: string,
  ): void {
    this.#findings.add({ code, seqFrom: seq, seqTo: seq, expected, observed, detail })
  }
}

function isSame(row: StoredRow, copy: StoredRow): boolean {
  const isOneGeneration = row.unknownGeneration === copy.unknownGeneration
  const isOneHash = row.entryHash === copy.entryHash && row.prevHash === copy.prevHash
  if (!isOneGeneration || !isOneHash) return false
  // Rows of an unknown generation can only be compared by their hashes.
  if (row.unknownGeneration !== undefined) return true
  const [left, right] = [row.canonical, copy.canonical]
  return left !== undefined && right !== undefined && Buffer.compare(left, right) === 0
}
