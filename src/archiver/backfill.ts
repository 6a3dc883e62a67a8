import { type Finding, Findings } from '../chain/finding.js'
import { AuditError } from '../errors.js'
import type { ArchiveLedger, LedgerRow, LedgerState, ScanProgress } from '../ports.js'
import { type SourcedFinding, uploadBatch } from './batch.js'
import { BATCH, type DrainParts } from './drain.js'
import { commonPrefix, hasLostObject, walkLedger } from './ledger-walk.js'
import type { Mirror, Mirrors } from './mirrors.js'
import { seqGroups } from './seq-groups.js'
import { type Stopping, withStopping } from './stopping.js'
import { openMirror } from './turn.js'

export interface BackfillRequest {
  readonly domainId: string
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
  /** Compares only: nothing is uploaded, stamped or written down. */
  readonly dryRun: boolean
}

export interface BackfillParts extends Pick<DrainParts, 'queue' | 'codec' | 'hasher' | 'onFindings'> {
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

/**
 * Uploads what the mirror lacks of one chain, archived or not, by comparing its keys with the rows; what stands under
 * the keys is verify's to judge. May run beside archivers. Rejects with `domain_not_found`, and with the store's error
 * where the mirror cannot be listed.
 */
export async function backfillChain(
  request: BackfillRequest,
  parts: BackfillParts,
  stop: AbortSignal,
): Promise<Backfilled> {
  // Asked before the mirror is: every object of a stamp older than this clock is in the listing.
  const state = await parts.ledger.state(request.domainId)
  assertRange(request, state)
  const mirror = await openMirror({ domainId: request.domainId, mirrorUrl: state.mirrorUrl }, parts.mirrors)
  return withStopping(stop, (stopping) => new Backfill(request, state, mirror, parts, stopping).run())
}

function assertRange({ domainId, fromSeq = 1, toSeq = 1 }: BackfillRequest, state: LedgerState): void {
  if (!state.known && state.lastSeq === 0) {
    throw new AuditError('domain_not_found', `there is no chain ${domainId}`, {
      hint: 'run: audit domain list',
    })
  }
  const asked = Math.max(fromSeq, toSeq)
  if (asked > Math.max(state.lastSeq, 1)) {
    throw new AuditError('nothing_to_verify', `the chain ends at ${state.lastSeq}, before row ${asked}`)
  }
}

class Backfill {
  readonly #request: BackfillRequest
  readonly #state: LedgerState
  readonly #mirror: Mirror
  readonly #parts: BackfillParts
  readonly #stopping: Stopping
  readonly #findings = new Findings()
  readonly #fromSeq: number
  readonly #toSeq: number
  #waiting: number[] = []
  #lost: number[] = []
  #counts = { rows: 0, missing: 0, lost: 0, uploaded: 0, stamped: 0, held: 0, failed: 0 }
  #error: AuditError | undefined
  #gaveUp = false

  constructor(
    request: BackfillRequest,
    state: LedgerState,
    mirror: Mirror,
    parts: BackfillParts,
    stopping: Stopping,
  ) {
    this.#request = request
    this.#state = state
    this.#mirror = mirror
    this.#parts = parts
    this.#stopping = stopping
    this.#fromSeq = request.fromSeq ?? 1
    this.#toSeq = request.toSeq ?? state.lastSeq
  }

  async run(): Promise<Backfilled> {
    const { store } = this.#mirror
    const { codec, ledger } = this.#parts
    const { domainId } = this.#request
    const range = { domainId, fromSeq: this.#fromSeq, toSeq: this.#toSeq }
    const prefix = commonPrefix(domainId, this.#fromSeq, Math.max(this.#toSeq, this.#fromSeq), codec)
    for await (const place of walkLedger({ ...range, prefix }, ledger, store, codec, this.#stopping.stop)) {
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
    const { store } = this.#mirror
    const { codec } = this.#parts
    const { domainId } = this.#request
    const isLost = await hasLostObject(domainId, row, this.#state.clock, store, codec, this.#stopping.stop)
    // Archived since the listing passed it.
    if (!isLost && row.archivedAt !== undefined) return
    this.#counts.missing += 1
    this.#waiting.push(row.seq)
    if (isLost) {
      this.#counts.lost += 1
      this.#lost.push(row.seq)
    }
    if (this.#waiting.length >= BATCH) await this.#upload()
  }

  async #upload(): Promise<void> {
    const [seqs, lost] = [this.#waiting, this.#lost]
    this.#waiting = []
    this.#lost = []
    // Dying after this line leaves the loss written down; were it mended first, nobody would know of it.
    await this.#report(lostFindings(lost))
    if (this.#request.dryRun) return
    for (const group of seqGroups(seqs, BATCH)) {
      if (this.#gaveUp || this.#stopping.stop.aborted) return
      await this.#uploadGroup(group)
    }
  }

  async #uploadGroup(group: readonly number[]): Promise<void> {
    const { domainId } = this.#request
    const { mirrors, queue, codec, hasher } = this.#parts
    const parts = { queue, codec, hasher, mirror: this.#mirror, concurrency: mirrors.concurrency }
    const batch = await uploadBatch(domainId, group, parts, this.#stopping)
    // Dying before this line leaves objects without stamps, which the archiver finds and stamps.
    const stamped = batch.uploaded.length === 0 ? 0 : await queue.stamp(domainId, batch.uploaded)
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
    if (!this.#request.dryRun) await this.#parts.onFindings(this.#request.domainId, findings)
  }

  #tell(): void {
    const total = this.#toSeq - this.#fromSeq + 1
    this.#parts.onProgress({ rows: this.#counts.rows, total })
  }
}

function lostFindings(seqs: readonly number[]): SourcedFinding[] {
  const found = new Findings()
  for (const seq of seqs) {
    const detail = 'archived, and the object is gone'
    found.add({ code: 'object_missing', seqFrom: seq, seqTo: seq, detail })
  }
  return found.sorted().map((finding) => ({ source: 'mirror', finding }))
}
