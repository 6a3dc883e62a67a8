import { AuditError } from '../base/errors.js'
import { type Finding, Findings } from '../chain/finding.js'
import type { ArchiveLedger, LedgerRow, LedgerState } from '../ports/archive.js'
import type { Strays } from '../ports/mirror.js'
import type { ScanProgress } from '../ports/verify.js'
import { OBJECT_MISSING } from '../verify/copy-findings.js'
import { holdsChain } from '../verify/mirror/mapped-chains.js'
import { StrayNames } from '../verify/mirror/stray-names.js'
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
import type { AssertOurs, Mirror, Mirrors } from './mirrors.js'
import { type ProvenRun, proveRun } from './prove-run.js'
import { RowsWanted } from './rows-wanted.js'
import type { RunGroup } from './run-judge.js'
import { stampUploaded } from './stamps/stamp-batch.js'
import { isStillOurs } from './still-ours.js'
import { type Stopping, withStopping } from './stopping.js'

export interface BackfillRequest {
  readonly domainId: string
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
  /** Whether to compare only: nothing is uploaded, stamped or recorded. */
  readonly dryRun: boolean
}

export interface BackfillDeps extends Pick<DrainDeps, 'queue' | 'codec' | 'hasher' | 'onFindings'> {
  readonly ledger: ArchiveLedger
  readonly mirrors: Mirrors
  readonly assertOurs: AssertOurs
  /** Returns whether this run has begun the mirror. */
  readonly hasBegun: (mirror: Mirror) => boolean
  readonly onProgress: (progress: ScanProgress) => void
}

/** The results for the rows from `fromSeq` to `toSeq`. */
export interface Backfilled {
  readonly domainId: string
  readonly mirrorUrl: string
  readonly fromSeq: number
  readonly toSeq: number
  readonly rows: number
  /** Rows without an object. */
  readonly missing: number
  /** Missing rows with a stamp: the object was there once, and is gone. None in a mirror that this run has begun. */
  readonly lost: number
  readonly uploaded: number
  /** Uploaded rows that had no stamp before. A stamp is never changed. */
  readonly stamped: number
  /** The first row below the range that waits to be archived. Until it is, the uploaded rows get no stamp. */
  readonly waitingBelow?: number | undefined
  readonly held: number
  readonly failed: number
  readonly findings: readonly Finding[]
  /** Names among the keys that are no keys of rows. */
  readonly strays?: Strays | undefined
  readonly error?: AuditError | undefined
}

/** Ranges of missing objects that are judged and uploaded together. Limits the memory where every other object is missing. */
const RANGES = 250

/**
 * Uploads the rows of one chain that the mirror lacks, archived or not, by comparing its keys with the rows. It does not
 * read the objects that are there; verify judges them. Archivers may run at the same time. Rejects with
 * `domain_not_found`, and with the store's error where the mirror cannot be listed.
 */
export async function backfillChain(
  request: BackfillRequest,
  deps: BackfillDeps,
  stop: AbortSignal,
): Promise<Backfilled> {
  const chain = await openChain(request.domainId, deps)
  assertRange(request, chain.state)
  await deps.assertOurs(chain.mirror, stop)
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
  readonly #strays = new StrayNames()
  #gaveUp = false
  /** Whether every row so far is stamped, held back, or has an object, so that the next may be stamped. */
  #isInOrder = true
  #waitingBelow: number | undefined
  /** Whether this run has begun the mirror, and it held no object of the chain: then none was lost there. */
  #isNew = false

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
    this.#isNew = this.deps.hasBegun(this.chain.mirror) && !(await this.#holdsChain())
    const waiting = await this.deps.queue.nextUnstamped(domainId, 0)
    if (waiting !== undefined && waiting < this.#fromSeq) this.#waitingBelow = waiting
    this.#isInOrder = this.#waitingBelow === undefined
    const prefix = commonPrefix(domainId, this.#fromSeq, Math.max(this.#toSeq, this.#fromSeq), codec)
    for await (const step of walkLedger({ ...range, prefix }, ledger, store, codec, this.stopping.stop)) {
      if (step.kind === 'both' || step.kind === 'row') this.#counts.rows += 1
      if (step.kind === 'row') await this.#addMissing(step.row)
      if (step.kind === 'stray') this.#strays.add(step.key)
      if (this.#gaveUp) break
      this.#reportProgress()
    }
    await this.#upload()
    const findings = this.#findings.sorted()
    const waitingBelow = this.#waitingBelow
    const strays = this.#strays.found
    return {
      ...range,
      mirrorUrl: store.url,
      ...this.#counts,
      waitingBelow,
      findings,
      strays,
      error: this.#error,
    }
  }

  #holdsChain(): Promise<boolean> {
    const { domainId, mirror } = this.chain
    return holdsChain(mirror.store, this.deps.codec, domainId, this.stopping.stop)
  }

  async #addMissing(row: LedgerRow): Promise<void> {
    const isLost = await hasLostObject(this.chain, row, this.deps.codec, this.stopping.stop)
    // The row was archived after the listing passed its key.
    if (!isLost && row.archivedAt !== undefined) return
    this.#counts.missing += 1
    this.#waiting.add(row.seq)
    if (isLost && !this.#isNew) {
      this.#counts.lost += 1
      this.#lost.add(lostFinding(row))
    }
    if (this.#waiting.ranges.length >= RANGES) await this.#upload()
  }

  async #upload(): Promise<void> {
    const [wanted, lost] = [this.#waiting, this.#lost]
    this.#waiting = new RowsWanted()
    this.#lost = new Findings()
    // Dying after this line leaves the loss recorded. If the upload came first, dying would hide the loss.
    await this.#report(sourced('mirror', lost.sorted()))
    if (!this.request.dryRun) await this.#uploadRows(wanted)
  }

  /** Uploads all ranges as one run. If that run is damaged, uploads range by range: the objects between them prove each one. */
  async #uploadRows(wanted: RowsWanted): Promise<void> {
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
      for (const range of wanted.ranges) await this.#uploadRows(new RowsWanted([range]))
    else await this.#uploadRun(run, wanted)
  }

  async #uploadRun(run: ProvenRun, wanted: RowsWanted): Promise<void> {
    this.#isInOrder &&= run.failed === 0
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
    const assertOurs = () => this.deps.assertOurs(this.chain.mirror, this.stopping.giveUp)
    this.#isInOrder &&= await isStillOurs(assertOurs, this.stopping.giveUp)
    // Dying before this line leaves objects without stamps. The archiver finds and stamps their rows.
    const stamps = this.#isInOrder ? batch.inOrder : []
    const { stamped, refused, error } = await stampUploaded(domainId, stamps, this.deps.queue)
    this.#isInOrder &&= batch.isWhole
    this.#counts.uploaded += batch.uploaded.length
    this.#counts.stamped += stamped
    this.#counts.held += batch.held + refused
    this.#counts.failed += batch.failed
    this.#error ??= batch.error ?? error
    this.#gaveUp = batch.gaveUp
    await this.#report(batch.findings)
  }

  async #report(findings: readonly SourcedFinding[]): Promise<void> {
    if (findings.length === 0) return
    for (const { finding } of findings) this.#findings.add(finding)
    if (!this.request.dryRun) await this.deps.onFindings(this.request.domainId, findings)
  }

  #reportProgress(): void {
    const total = this.#toSeq - this.#fromSeq + 1
    this.deps.onProgress({ rows: this.#counts.rows, total })
  }
}

function lostFinding({ seq, entryHash }: LedgerRow): Finding {
  return {
    code: 'object_missing',
    seqFrom: seq,
    seqTo: seq,
    expected: entryHash,
    detail: OBJECT_MISSING,
  }
}
