import type { AuditError } from '../base/errors.js'
import { CopyEvidence } from '../chain/evidence/copy-evidence.js'
import { RECENT } from '../chain/evidence/neighbours.js'
import { type FindingCounts, Findings } from '../chain/finding.js'
import { ChainFold, type FoldResult, type StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import type { Scan, ScanRequest } from '../ports/verify.js'
import { detachedFindings, isDetached, isTooFar } from './detached.js'
import { orphanKeyFinding } from './mirror/orphan-key.js'
import { StrayNames } from './mirror/stray-names.js'
import type { ListedRow } from './object-stream.js'

/** Judges the objects of one chain, ascending by seq. */
export class OneCopy {
  /** Objects that count as rows. */
  rows = 0
  readonly #request: ScanRequest
  readonly #hasher: Hasher
  readonly #fold: ChainFold
  readonly #evidence: CopyEvidence
  /** The last objects that were judged, oldest first. */
  #recent: StoredRow[] = []
  /** Findings about objects that are not rows of the chain. */
  readonly #others: Findings
  readonly #strays = new StrayNames()
  /** The highest seq among the keys, except keys that lie too far away for any chain. */
  #listed = 0
  /** The highest seq among the rows, and among the keys outside the segment. */
  #last = 0
  /** The last row that was judged; at first the row before the segment. */
  #at: number

  constructor(request: ScanRequest, hasher: Hasher) {
    const { domainId, fromSeq, pins, heads, now } = request
    this.#request = request
    this.#hasher = hasher
    this.#others = new Findings(hasher)
    const options = { domainId, fromSeq, pins, heads, now, hasher }
    this.#fold = new ChainFold(options)
    this.#evidence = new CopyEvidence({ ...options, copy: 'mirror', recent: () => this.#recent })
    this.#at = fromSeq - 1
  }

  /** Records a key of the listing, in the segment or not. */
  list(seq: number): void {
    if (isTooFar(seq - this.#listed) && this.#request.pins.every((pin) => pin.seq !== seq)) return
    this.#listed = Math.max(this.#listed, seq)
    const { fromSeq, toSeq = seq } = this.#request
    if (seq < fromSeq || seq > toSeq) this.#last = Math.max(this.#last, seq)
  }

  /** The last seq of the segment by the listed keys. */
  get listedEnd(): number {
    return Math.min(this.#request.toSeq ?? this.#listed, this.#listed)
  }

  add(object: ListedRow): void {
    if (object.kind === 'orphan') this.#others.add(orphanKeyFinding(object))
    else if (object.kind === 'stray') this.#strays.add(object.key)
    else if (object.kind === 'row') this.#judge(object.row)
    // An object that disappeared during the scan is missing, also if it was the last one.
    else if (object.seq <= this.#listed) this.#last = Math.max(this.#last, object.seq)
  }

  finish(): Omit<Scan, 'known'> {
    const end = Math.min(this.#request.toSeq ?? this.#last, this.#last)
    const fold = this.#fold.finish(end)
    return {
      last: this.#last === 0 ? undefined : { seq: this.#last, hashes: [] },
      strays: this.#strays.found,
      fold: this.#shown(fold),
    }
  }

  /** Returns what the objects show that were read before `error` ended the scan; undefined where they show nothing. */
  finishAt(error: AuditError): Omit<Scan, 'known'> | undefined {
    const fold = this.#shown(this.#fold.soFar())
    if (fold.findings.length === 0) return undefined
    return { isCut: true, doubts: [error], strays: this.#strays.found, fold }
  }

  #shown(fold: FoldResult): FoldResult {
    return this.#evidence.shown({ ...fold, findings: [...fold.findings, ...this.#others.sorted()] })
  }

  #judge(row: StoredRow): void {
    const before = this.#counts
    if (this.#isDetached(row)) this.#addDetached(row)
    else this.#addRow(row)
    this.#evidence.see(row, before, this.#counts)
    this.#recent = [...this.#recent.slice(1 - RECENT), row]
  }

  get #counts(): FindingCounts {
    const [rows, others] = [this.#fold.counts, this.#others.counts]
    return { added: rows.added + others.added, separate: rows.separate + others.separate }
  }

  #isDetached(row: StoredRow): boolean {
    return isDetached(row, row.seq - this.#at - 1, this.#request.pins, this.#hasher)
  }

  #addDetached(row: StoredRow): void {
    const findings = detachedFindings(row, this.#request.domainId, this.#hasher)
    for (const finding of findings) this.#others.add(finding)
  }

  #addRow(row: StoredRow): void {
    this.#fold.add(row)
    this.#request.observer?.addStored(row)
    this.rows += 1
    this.#at = Math.max(this.#at, row.seq)
    this.#last = Math.max(this.#last, row.seq)
  }
}
