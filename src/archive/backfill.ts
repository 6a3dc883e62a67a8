import { AuditError } from '../base/errors.js'
import { type Finding, Findings } from '../chain/finding.js'
import type { ArchiveLedger, LedgerRow, LedgerState } from '../ports/archive.js'
import type { ScanProgress } from '../ports/verify.js'
import { uploadBatch } from './batch.js'
import type { DrainDeps } from './drain.js'
import { type SourcedFinding, sourced } from './findings.js'
import {
  commonPrefix,
  hasLostObject,
  noSuchChain,
  type OpenChain,
  openChain,
  walkLedger,
} from './ledger-walk.js'
import type { Mirrors } from './mirrors.js'
import { type ProvenRun, proveRun } from './prove-run.js'
import { RowsWanted } from './rows-wanted.js'
import type { RunGroup } from './run-judge.js'
import { type Stopping, withStopping } from './stopping.js'

export interface BackfillRequest {
  readonly domainId: string
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
  /** Compares only: nothing is uploaded, stamped or written down. */
  readonly dryRun: boolean
}

export interface BackfillDeps extends Pick<DrainDeps, 'queue' | 'codec' | 'hasher' | 'onFindings'> {
  readonly ledger: ArchiveLedger
  readonly mirrors: Mirrors
  readonly onProgress: (progress: ScanProgress) => void
}

/** What became of the rows from `fromSeq` to `toSeq`. */
export interface Backfilled {
  readonly domainId: string
  readonly mirrorUrl: string
  readonly fromSeq: number
  readonly toSeq: number
  readonly rows: number
  /** Rows without an object. */
  readonly missing: number
  /** Those of them that had a stamp: archived once, and gone. */
  readonly lost: number
  readonly uploaded: number
  /** Of those uploaded, the ones that had no stamp before; a stamp is never changed. */
  readonly stamped: number
  readonly held: number
  readonly failed: number
  readonly findings: readonly Finding[]
  readonly error?: AuditError | undefined
}

/** Ranges of missing objects that are judged and mended together; bounds memory where every other one is missing. */
const RANGES = 250

/**
 * Uploads what the mirror lacks of one chain, archived or not, by comparing its keys with the rows; what stands under
 * the keys is verify's to judge. May run beside archivers. Rejects with `domain_not_found`, and with the store's error
 * where the mirror cannot be listed.
 */
export async function backfillChain(
  request: BackfillRequest,
  deps: BackfillDeps,
  stop: AbortSignal,
): Promise<Backfilled> {
  const chain = await openChain(request.domainId, deps)
  assertRange(request, chain.state)
  return withStopping(stop, (stopping) => new Backfill(request, chain, deps, stopping).run())
}

function assertRange({ domainId, fromSeq = 1, toSeq = 1 }: BackfillRequest, state: LedgerState): void {
  if (!state.known && state.lastSeq === 0) throw noSuchChain(domainId)
  const asked = Math.max(fromSeq, toSeq)
  if (asked > Math.max(state.lastSeq, 1)) {
    throw new AuditError('nothing_to_verify', `the chain ends at ${state.lastSeq}, before row ${asked}`)
  }
}

class Backfill {
  readonly #findings = new Findings()
  readonly #fromSeq: number
  readonly #toSeq: number
  #waiting = new RowsWanted()
  #lost = new Findings()
  #counts = { rows: 0, missing: 0, lost: 0, uploaded: 0, stamped: 0, held: 0, failed: 0 }
  #error: AuditError | undefined
  #gaveUp = false

  constructor(
    readonly request: BackfillRequest,
    readonly chain: OpenChain,
    readonly deps: BackfillDeps,
    readonly stopping: Stopping,
  ) {
    this.#fromSeq = request.fromSeq ?? 1
    this.#toSeq = request.toSeq ?? chain.state.lastSeq
  }

  async run(): Promise<Backfilled> {
    const { store } = this.chain.mirror
    const { codec, ledger } = this.deps
    const { domainId } = this.request
    const range = { domainId, fromSeq: this.#fromSeq, toSeq: this.#toSeq }
    const prefix = commonPrefix(domainId, this.#fromSeq, Math.max(this.#toSeq, this.#fromSeq), codec)
    for await (const place of walkLedger({ ...range, prefix }, ledger, store, codec, this.stopping.stop)) {
      if (place.kind === 'both' || place.kind === 'row') this.#counts.rows += 1
      if (place.kind === 'row') await this.#take(place.row)
      if (this.#gaveUp) break
      this.#tell()
    }
    await this.#upload()
    const findings = this.#findings.sorted()
    return { ...range, mirrorUrl: store.url, ...this.#counts, findings, error: this.#error }
  }

  async #take(row: LedgerRow): Promise<void> {
    const isLost = await hasLostObject(this.chain, row, this.deps.codec, this.stopping.stop)
    // Archived since the listing passed it.
    if (!isLost && row.archivedAt !== undefined) return
    this.#counts.missing += 1
    this.#waiting.add(row.seq)
    if (isLost) {
      this.#counts.lost += 1
      this.#lost.add(lostFinding(row.seq))
    }
    if (this.#waiting.ranges.length >= RANGES) await this.#upload()
  }

  async #upload(): Promise<void> {
    const [wanted, lost] = [this.#waiting, this.#lost]
    this.#waiting = new RowsWanted()
    this.#lost = new Findings()
    // Dying after this line leaves the loss written down; were it mended first, nobody would know of it.
    await this.#report(sourced('mirror', lost.sorted()))
    if (!this.request.dryRun) await this.#mend(wanted)
  }

  /** All at once, unless there is damage: then range by range, for the objects between them prove each by itself. */
  async #mend(wanted: RowsWanted): Promise<void> {
    const [first, last] = [wanted.ranges[0], wanted.ranges.at(-1)]
    if (first === undefined || last === undefined) return
    const request = {
      domainId: this.request.domainId,
      fromSeq: first[0],
      pastSeq: last[1],
      counts: wanted.asker(),
    }
    const run = await proveRun(request, this.#uploadDeps, this.stopping.stop)
    if (run === undefined) return
    if (run.held > 0 && first !== last)
      for (const range of wanted.ranges) await this.#mend(new RowsWanted([range]))
    else await this.#uploadRun(run, wanted)
  }

  async #uploadRun(run: ProvenRun, wanted: RowsWanted): Promise<void> {
    this.#counts.held += run.held
    this.#counts.failed += run.failed
    this.#error ??= run.error
    await this.#report(run.findings)
    const counts = wanted.asker()
    for (const group of run.groups) {
      if (this.#gaveUp || this.stopping.stop.aborted) return
      if (wanted.touches(group)) await this.#uploadGroup(group, counts)
    }
  }

  get #uploadDeps() {
    const { mirrors, queue, codec, hasher } = this.deps
    return { queue, codec, hasher, mirror: this.chain.mirror, concurrency: mirrors.concurrency }
  }

  async #uploadGroup(group: RunGroup, counts: (seq: number) => boolean): Promise<void> {
    const { domainId } = this.request
    const batch = await uploadBatch(domainId, group, counts, this.#uploadDeps, this.stopping)
    // Dying before this line leaves objects without stamps, which the archiver finds and stamps.
    const stamped = batch.uploaded.length === 0 ? 0 : await this.deps.queue.stamp(domainId, batch.uploaded)
    this.#counts.uploaded += batch.uploaded.length
    this.#counts.stamped += stamped
    this.#counts.held += batch.held
    this.#counts.failed += batch.failed
    this.#error ??= batch.error
    this.#gaveUp = batch.gaveUp
    await this.#report(batch.findings)
  }

  async #report(findings: readonly SourcedFinding[]): Promise<void> {
    if (findings.length === 0) return
    for (const { finding } of findings) this.#findings.add(finding)
    if (!this.request.dryRun) await this.deps.onFindings(this.request.domainId, findings)
  }

  #tell(): void {
    const total = this.#toSeq - this.#fromSeq + 1
    this.deps.onProgress({ rows: this.#counts.rows, total })
  }
}

function lostFinding(seq: number): Finding {
  return {
    code: 'object_missing',
    seqFrom: seq,
    seqTo: seq,
    detail: 'archived, and the object is gone',
  }
}
