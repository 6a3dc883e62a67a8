import type { AuditError } from '../base/errors.js'
import { decodeCanonical } from '../chain/canonical.js'
import { EvidenceLog } from '../chain/evidence/evidence-log.js'
import type { ContextRow } from '../chain/evidence/finding-evidence.js'
import { withRowsAround } from '../chain/evidence/head-rows.js'
import { PinnedHashes } from '../chain/evidence/pinned-hashes.js'
import { type Finding, type FindingCounts, Findings } from '../chain/finding.js'
import { ChainFold, type StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import { LIMITS } from '../chain/limits.js'
import type { SeenHead } from '../chain/log/signed-heads.js'
import type { ArchiveState, RowSnapshot, Scan, ScanRequest } from '../ports/verify.js'
import { copyFindings, OBJECT_MISSING, STAMP_REMOVED, STAMP_SKIPPED } from './copy-findings.js'
import { isDetached, orphan } from './detached.js'
import { differenceOf } from './difference.js'
import { RecentPairs } from './evidence/recent-pairs.js'
import { orphanKeyFinding } from './mirror/orphan-key.js'
import { StrayNames } from './mirror/stray-names.js'
import type { Pair } from './pair-up.js'
import { SeqRanges } from './seq-ranges.js'

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
  readonly #findings: Findings
  readonly #log: EvidenceLog
  readonly #recent: RecentPairs
  readonly #pins: PinnedHashes
  readonly #strays = new StrayNames()
  readonly #unstamped: SeqRanges
  /** The seq of the next pair, unless both copies have a gap. */
  #next: number
  #unarchived = 0
  /** The first row that is not archived. */
  #waiting: ArchiveState['waiting']
  /** Every row up to this seq was archived when the pins were saved. */
  readonly #pinnedThrough: number

  constructor(request: ScanRequest, snapshot: RowSnapshot, hasher: Hasher) {
    const { domainId, fromSeq, pins, heads } = request
    this.#request = request
    this.#snapshot = snapshot
    this.#hasher = hasher
    this.#findings = new Findings(hasher)
    this.#log = new EvidenceLog(domainId, hasher)
    this.#recent = new RecentPairs(fromSeq)
    this.#pins = new PinnedHashes([...pins, ...(heads ?? [])])
    const now = snapshot.clock
    this.#postgres = new ChainFold({ domainId, fromSeq, pins, heads, now, hasher })
    this.#mirror = new ChainFold({ domainId, fromSeq, pins, heads, now, hasher })
    this.#unstamped = new SeqRanges(snapshot.unstamped)
    this.#next = fromSeq
    this.#pinnedThrough = Math.max(0, ...pins.map(({ archivedThrough = 0 }) => archivedThrough))
  }

  add({ seq, rows, object }: Pair): void {
    if (object?.kind === 'orphan') this.#findings.add(orphanKeyFinding(object))
    if (object?.kind === 'stray') this.#strays.add(object.key)
    if (object?.kind === 'orphan' || object?.kind === 'stray') return
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
    const { known, head, last, restoring, isStandby, clock } = this.#snapshot
    const end = Math.max(last?.seq ?? 0, this.#next - 1)
    // Also without a requested end: a damaged index may hide rows from one query of the snapshot and not from another.
    const { toSeq = end <= LIMITS.maxSeq ? end : 0 } = this.#request
    this.#stepTo(Math.min(toSeq, end) + 1, undefined)
    const [postgres, mirror] = [this.#postgres.finish(), this.#mirror.finish()]
    const findings = this.#shown(postgres.findings, mirror.findings)
    const unchecked = postgres.unchecked ?? mirror.unchecked
    return {
      known,
      head,
      last,
      restoring,
      isStandby,
      end,
      unarchived: this.#unarchived,
      archive: { ...this.#snapshot.archive, waiting: this.#waiting },
      clock,
      mirrorHeads: this.#around(mirror.heads),
      strays: this.#strays.found,
      fold: {
        ...postgres,
        findings,
        heads: this.#around(postgres.heads),
        lastRows: this.#lastRows,
        unchecked,
        clockAhead: postgres.clockAhead ?? mirror.clockAhead,
      },
    }
  }

  /** Returns what the rows show that were read before `error` ended the scan; undefined where they show nothing. */
  finishAt(error: AuditError): Scan | undefined {
    const [postgres, mirror] = [this.#postgres.soFar(), this.#mirror.soFar()]
    const findings = this.#shown(postgres.findings, mirror.findings)
    if (findings.length === 0) return undefined
    const { known, head, last, restoring, isStandby } = this.#snapshot
    const strays = this.#strays.found
    return {
      known,
      head,
      last,
      restoring,
      isStandby,
      isCut: true,
      doubts: [error],
      strays,
      fold: { ...postgres, findings, heads: this.#around(postgres.heads) },
      mirrorHeads: this.#around(mirror.heads),
    }
  }

  #shown(postgres: readonly Finding[], mirror: readonly Finding[]): Finding[] {
    this.#log.end(this.#recent.rows)
    return copyFindings(this.#findings.sorted(), postgres, mirror, this.#log)
  }

  #around(heads: readonly SeenHead[] | undefined): readonly SeenHead[] | undefined {
    return heads?.map((head) => withRowsAround(head, this.#log))
  }

  get #lastRows(): readonly ContextRow[] {
    return this.#log.last(this.#recent.rows)
  }

  #judge(seq: number, rows: readonly StoredRow[], copy: StoredRow | undefined): void {
    const before = this.#counts
    for (const row of rows) this.#postgres.add(row)
    if (copy !== undefined) this.#mirror.add(copy)
    this.#observe(rows, copy)
    // An impossible seq was forced into the table. The fold of PostgreSQL has a finding for it.
    if (seq < this.#request.fromSeq || seq > LIMITS.maxSeq) return
    this.#compare(seq, rows, copy)
    this.#remember(seq, rows, copy, before)
  }

  /** Compares the copies of one row. */
  #compare(seq: number, rows: readonly StoredRow[], copy: StoredRow | undefined): void {
    if (rows.length === 0 && this.#isOrphan(seq, copy)) return
    this.#stepTo(seq, rows[0] ?? copy)
    this.#next = seq + 1
    if (copy === undefined) this.#withoutObject(seq, rows)
    else if (rows.length === 0) this.#withoutRow(seq, copy)
    else if (copy.problem === undefined && !rows.some((row) => isSame(row, copy))) this.#differ(rows, copy)
  }

  #observe(rows: readonly StoredRow[], copy: StoredRow | undefined): void {
    const { observer } = this.#request
    for (const row of rows) observer?.addStored(row)
    if (rows.length === 0 && copy !== undefined) observer?.addStored(copy)
  }

  /** Keeps the copies of a row for the findings about it. `before`: the counts before the row was judged. */
  #remember(
    seq: number,
    rows: readonly StoredRow[],
    copy: StoredRow | undefined,
    before: FindingCounts,
  ): void {
    const { added, separate } = this.#counts
    const isUnpinned = rows[0] !== undefined && this.#pins.contradict(rows[0])
    const [found, isFirst] = [added > before.added || isUnpinned, separate > before.separate || isUnpinned]
    const other = found && copy !== undefined ? rows.find((row) => !isSame(row, copy)) : undefined
    // A row in one copy alone is a difference only where there is a finding: it may not be archived yet.
    const differs = found && (copy === undefined || rows.length === 0 || other !== undefined)
    const pair = { postgres: other ?? rows[0], mirror: copy }
    this.#recent.add(seq, pair, differs)
    this.#log.see({ seq, differs }, { found, isFirst }, () => this.#recent.rows)
  }

  get #counts(): FindingCounts {
    const [one, other, own] = [this.#postgres.counts, this.#mirror.counts, this.#findings.counts]
    return {
      added: one.added + other.added + own.added,
      separate: one.separate + other.separate + own.separate,
    }
  }

  #withoutObject(seq: number, rows: readonly StoredRow[]): void {
    const problem = this.#absence(seq)
    if (problem !== undefined) this.#find('object_missing', seq, rows[0]?.entryHash, undefined, problem)
    else this.#addUnarchived(seq, rows[0])
  }

  /** Returns why a row without an object has lost it; undefined where the row is not archived yet. */
  #absence(seq: number): string | undefined {
    if (!this.#unstamped.has(seq)) return OBJECT_MISSING
    if (seq <= this.#pinnedThrough) return STAMP_REMOVED
    return seq < this.#snapshot.archive.inOrderBelow ? STAMP_SKIPPED : undefined
  }

  #addUnarchived(seq: number, row: StoredRow | undefined): void {
    this.#unarchived += 1
    if (this.#waiting !== undefined || row?.canonical === undefined) return
    this.#waiting = { seq, recordedAt: decodeCanonical(row.canonical).recordedAt }
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
    if (isOrphan)
      this.#findings.add(orphan(copy, 'no row links to it, and Postgres has no row there', this.#hasher))
    return isOrphan
  }

  /** If a field was edited and the hash was not, both copies store the same hash, so the finding leaves it out. */
  #differ(rows: readonly StoredRow[], copy: StoredRow): void {
    const { seq, entryHash: mirror } = copy
    const postgres = rows[0]?.entryHash
    const [expected, observed] = postgres === mirror ? [] : [postgres, mirror]
    const detail = 'Postgres (expected) and the mirror (observed) differ'
    this.#findings.add({
      code: 'copies_differ',
      seqFrom: seq,
      seqTo: seq,
      expected,
      observed,
      detail,
      rows: differenceOf(rows, copy, this.#hasher),
    })
  }

  /** Reports a gap only if neither copy has the rows. A row that one copy lacks has a code of its own. */
  #stepTo(seq: number, next: StoredRow | undefined): void {
    if (seq <= this.#next) return
    const [seqFrom, seqTo] = [this.#next, seq - 1]
    const detail = `${seqTo - seqFrom + 1} missing before row ${seq} in both copies`
    this.#findings.add({ code: 'seq_gap', seqFrom, seqTo, expected: next?.prevHash, detail })
  }

  #find(
    code: 'object_missing' | 'row_missing',
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
