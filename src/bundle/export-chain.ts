import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { AuditError } from '../base/errors.js'
import type { ChainHead } from '../chain/entry.js'
import type { ByteRow, RowTaker } from '../chain/fast-path.js'
import { type Finding, inOrder } from '../chain/finding.js'
import type { StoredRow } from '../chain/fold.js'
import { type Hasher, isHash } from '../chain/hash.js'
import { judgeHead } from '../chain/head.js'
import { LIMITS } from '../chain/limits.js'
import type { ExportRequest, ExportSnapshot, ExportStore } from '../ports/bundle.js'
import type { ScanProgress } from '../ports/verify.js'
import { BUNDLE_FORMAT, BUNDLE_LIMITS, REPORT_FORMAT, REPORT_NAME } from './bundle-format.js'
import { BundleJudge } from './bundle-judge.js'
import { damagedRow } from './damaged-row.js'
import type { Manifest, ReportMember, SeqHash } from './manifest.js'
import { manifestFinding } from './manifest-finding.js'
import { selectionJson } from './manifest-selection.js'
import type { OutputFile } from './output-file.js'
import { SegmentWriter } from './segment-writer.js'
import { endOf, type OpenSelection, openSelection, type Selection } from './selection.js'
import { type Member, memberOf, type Written, writeBundle } from './write-bundle.js'

export interface ExportDeps {
  readonly store: ExportStore
  readonly output: OutputFile
  readonly hasher: Hasher
  /** The README and the verifiers. */
  readonly files: readonly Member[]
  /** Name and version of this program. */
  readonly tool: string
  /** Makes the page that the bundle also holds. Absent: the bundle has none. */
  readonly report?: BundleReport | undefined
}

/** Makes a page about the rows of a bundle, for people. */
export interface BundleReport {
  /** Receives every row that is written, in order. */
  readonly observer: RowTaker
  /** Returns the page, after the last row. */
  page(selection: Selection, last: ChainHead, findings: readonly Finding[]): Buffer
}

export interface Exported {
  readonly manifest: Manifest
  readonly selection: Selection
  readonly written: Written
  readonly findings: readonly Finding[]
}

/**
 * Writes one self-contained evidence file from one snapshot, and verifies the rows while it writes them. Damaged rows are
 * evidence too: they are written unchanged, and are among the findings. Rejects with `domain_not_found`,
 * `nothing_to_verify`, `generation_unknown`, `output_exists` or `output_failed`; then it leaves no file.
 */
export async function exportChain(
  request: ExportRequest,
  deps: ExportDeps,
  progress: (p: ScanProgress) => void,
  signal: AbortSignal,
): Promise<Exported> {
  await deps.output.assertFree()
  const snapshot = await deps.store.open(request, signal)
  try {
    assertSomething(request, snapshot)
    const scratch = await deps.output.scratch()
    try {
      return await new ChainExport(request, deps, snapshot, scratch).run(progress, signal)
    } finally {
      await scratch.close()
    }
  } finally {
    await snapshot.close()
  }
}

/** Throws where there is no row to export. If every row is gone, verify reports that. */
function assertSomething({ domainId }: ExportRequest, snapshot: ExportSnapshot): void {
  const { known, last, fromSeq, toSeq } = snapshot
  if (last === undefined && !known) {
    throw new AuditError('domain_not_found', `there is no chain ${domainId} in postgres`, {
      advice: { code: 'list_domains' },
    })
  }
  // Rows that the head counts and that are missing are a finding. The chain does not end before them.
  const end = last === undefined ? 0 : Math.max(last.seq, headOf(snapshot)?.seq ?? 0)
  if (end >= (toSeq ?? fromSeq) && end >= fromSeq) return
  const advice = end === 0 ? ({ code: 'verify_chain', domainId } as const) : undefined
  const message = `the chain ends at ${end}, before row ${toSeq ?? fromSeq}`
  throw new AuditError('nothing_to_verify', message, { advice })
}

class ChainExport {
  readonly #request: ExportRequest
  readonly #deps: ExportDeps
  readonly #snapshot: ExportSnapshot
  readonly #scratch: FileHandle
  readonly #selection: OpenSelection
  readonly #judge: BundleJudge
  readonly #segments: SegmentWriter
  readonly #predecessors: SeqHash[] = []
  #firstPrev: string | undefined
  #rows = 0

  constructor(request: ExportRequest, deps: ExportDeps, snapshot: ExportSnapshot, scratch: FileHandle) {
    this.#request = request
    this.#deps = deps
    this.#snapshot = snapshot
    this.#scratch = scratch
    this.#selection = openSelection(request, snapshot)
    const selection = { ...this.#selection, toSeq: snapshot.toSeq }
    const { domainId } = request
    this.#judge = new BundleJudge({ domainId, selection, pins: [], hasher: deps.hasher })
    this.#segments = new SegmentWriter((name, content) =>
      deps.output.guarded(() => scratch.writeFile(memberOf({ name, content }))),
    )
  }

  async run(progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Exported> {
    try {
      const { last, toSeq, fromSeq } = this.#snapshot
      const total = Math.min(toSeq ?? Number.MAX_SAFE_INTEGER, last?.seq ?? 0) - fromSeq + 1
      await this.#snapshot.read({
        add: (row) => this.#add(row),
        addStored: (row) => this.#addDamaged(damagedRow(row)),
        flow: () => {
          progress({ rows: this.#rows, total })
          return this.#segments.isAhead ? this.#segments.drain() : undefined
        },
      })
      await this.#segments.finish()
    } finally {
      await this.#segments.abandon()
    }
    if (this.#rows === 0) throw new AuditError('nothing_to_verify', 'no row of the chain is selected')
    return this.#finish(signal)
  }

  #add(row: ByteRow): void {
    if (this.#isBefore(row.seq)) this.#addPredecessor(row.stored())
    else if (row.canonical.length > BUNDLE_LIMITS.canonicalBytes) this.#addDamaged(damagedRow(row.stored()))
    else {
      if (this.#rows === 0) this.#firstPrev = row.stored().prevHash
      this.#deps.report?.observer.add(row)
      this.#rows += 1
      this.#judge.add(row)
      this.#segments.add(row)
    }
  }

  #addDamaged(row: StoredRow): void {
    if (this.#isBefore(row.seq)) {
      this.#addPredecessor(row)
      return
    }
    if (this.#rows === 0) this.#firstPrev = row.prevHash
    this.#deps.report?.observer.addStored(row)
    this.#rows += 1
    this.#judge.addStored(row)
    this.#segments.addDamaged(row)
  }

  #isBefore(seq: number): boolean {
    return seq < this.#selection.fromSeq && this.#selection.fromSeq > 1
  }

  #addPredecessor(row: StoredRow): void {
    this.#judge.addPredecessor(row)
    if (row.entryHash !== undefined) this.#predecessors.push({ seq: row.seq, hash: row.entryHash })
  }

  async #finish(signal: AbortSignal): Promise<Exported> {
    const { findings: found } = this.#judge.finish()
    const onHead = this.#selection.toEnd ? this.#judgeHead() : []
    const findings = inOrder([...found, ...onHead])
    const selection = this.#closedSelection()
    const page = this.#page(selection, findings)
    const report = page === undefined ? undefined : { name: REPORT_NAME, content: page }
    const manifest = this.#manifest(selection, findings, report)
    const { output, files } = this.#deps
    const members = report === undefined ? files : [...files, report]
    const written = await writeBundle(output, manifest, members, this.#scratch, signal)
    return { manifest, selection, written, findings }
  }

  /** Throws `output_failed` for a page that no reader of bundles would accept. */
  #page(selection: Selection, findings: readonly Finding[]): Buffer | undefined {
    const { seq = 0, hashes = [] } = this.#judge.last ?? {}
    const page = this.#deps.report?.page(selection, { seq, hash: hashes.at(-1) ?? '' }, findings)
    if (page !== undefined && page.length > BUNDLE_LIMITS.fileBytes)
      throw new AuditError('output_failed', 'the report is longer than a member of a bundle may be')
    return page
  }

  /** Returns the predecessor. If its seq is duplicated, returns the one that the first row links to: damage outside the range does not count. */
  #predecessor(): SeqHash | undefined {
    return this.#predecessors.find(({ hash }) => hash === this.#firstPrev) ?? this.#predecessors.at(-1)
  }

  /** Returns the last seq of a selection without an upper bound: its last row, or the end of the chain if it is filtered. */
  #end(fromSeq: number, last: number): number {
    const { toEnd } = this.#selection
    return endOf(fromSeq, toEnd ? last : Math.min(this.#snapshot.last?.seq ?? last, LIMITS.maxSeq + 1))
  }

  #judgeHead(): Finding[] {
    const finding = judgeHead(headOf(this.#snapshot), this.#judge.last)
    return finding === undefined ? [] : [finding]
  }

  #closedSelection(): Selection {
    const { toSeq, fromSeq } = this.#snapshot
    const last = this.#segments.segments.at(-1)?.last_seq ?? 0
    return { ...this.#selection, toSeq: toSeq ?? this.#end(fromSeq, last) }
  }

  #manifest(selection: Selection, findings: readonly Finding[], report: Member | undefined): Manifest {
    const { segments } = this.#segments
    const [first, last] = [segments[0]?.first_seq ?? 0, segments.at(-1)?.last_seq ?? 0]
    const [head, predecessor] = [headOf(this.#snapshot), this.#predecessor()]
    return {
      format: report === undefined ? BUNDLE_FORMAT : REPORT_FORMAT,
      tool: this.#deps.tool,
      domain_id: this.#request.domainId,
      selection: selectionJson(selection, this.#request),
      ...(predecessor !== undefined && { predecessor }),
      ...(head !== undefined && { head }),
      rows: this.#rows,
      first_seq: first,
      last_seq: last,
      findings: {
        total: findings.length,
        first: findings.slice(0, BUNDLE_LIMITS.findings).map(manifestFinding),
      },
      ...(report !== undefined && { report: reportMember(report) }),
      segments,
    }
  }
}

function reportMember({ name, content }: Member): ReportMember & { readonly note: string } {
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { name, bytes: content.length, sha256, note: 'for people; not evidence' }
}

/** Returns the chain head. An invalid head that was forced into the table counts as missing, which is a finding too. */
function headOf({ head }: ExportSnapshot): ChainHead | undefined {
  return head !== undefined && isHash(head.hash) && Math.abs(head.seq) <= LIMITS.maxSeq ? head : undefined
}
