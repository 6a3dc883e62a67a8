import { AuditError } from '../base/errors.js'
import type { Finding } from '../chain/finding.js'
import { findingFingerprint, namedByHashes } from '../chain/finding-fingerprint.js'
import type { QuarantineStore } from '../ports/quarantine.js'
import type { FindingKey, QuarantineCount, QuarantineOverview } from '../ports/reconcile.js'
import { recordFindings } from '../quarantine/quarantine.js'

export interface FindingsDeps {
  readonly quarantine: QuarantineStore
  readonly overview: QuarantineOverview
  /** Called once for findings that are new to the quarantine, at least in part, or that cannot be written to it. */
  readonly onFound: (domainId: string, findings: readonly Finding[]) => void
  /** Called when findings could not be written to the quarantine. They stay in memory. */
  readonly onUnrecorded: (domainId: string, error: unknown) => void
  readonly onRecorded: (domainId: string) => void
  /** Called when another process has added unacknowledged records. */
  readonly onAdded: (added: number) => void
  /** Called when the quarantine has fewer records than before. No program of ours removes records. */
  readonly onRemoved: (removed: number) => void
}

/** Acknowledged findings kept in memory, so that they are recognised without a query. */
const MAX_ACKNOWLEDGED = 10_000

/** Milliseconds after which the counts are read again although the mark has not changed. */
const RECOUNT = 30_000

/** The open findings: those in the quarantine, and in memory those that could not be written to it. */
export class OpenFindings {
  readonly #deps: FindingsDeps
  readonly #unrecorded = new Map<string, Map<string, Finding>>()
  readonly #reported = new Set<string>()
  #counts: readonly QuarantineCount[] = []
  #acknowledged: ReadonlySet<string> = new Set()
  #mark: string | undefined
  #countedAt = Number.NEGATIVE_INFINITY
  /** The highest number of records that any read has seen. */
  #highestTotal = 0
  /** The end of the last write or look. They take turns, so that a look never finds a record that was just written here. */
  #turn: Promise<void> = Promise.resolve()
  /** Whether the quarantine was read at least once. */
  isRead = false

  constructor(deps: FindingsDeps) {
    this.#deps = deps
  }

  /** The counts of the quarantine when it was last read. */
  get counts(): readonly QuarantineCount[] {
    return this.#counts
  }

  /** The number of unacknowledged findings. Removed records count as unacknowledged. */
  get open(): number {
    const inMemory = [...this.#unrecorded.values()].reduce((sum, { size }) => sum + size, 0)
    return inMemory + this.#sum(false) + (this.#highestTotal - this.#sum(false) - this.#sum(true))
  }

  get acknowledged(): number {
    return this.#sum(true)
  }

  /** Returns whether findings of the chain are only in memory. */
  isUnrecorded(domainId: string): boolean {
    return this.#unrecorded.has(domainId)
  }

  /** Counts the findings that are not acknowledged yet, at once, and returns them. */
  add(domainId: string, findings: readonly Finding[]): readonly Finding[] {
    const named = namedByHashes(findings)
    const fresh = findings.filter((finding) => !this.#isAcknowledged(domainId, finding, named))
    if (fresh.length === 0) return fresh
    const held = this.#unrecorded.get(domainId) ?? new Map<string, Finding>()
    for (const finding of fresh) held.set(keyOf(domainId, finding), finding)
    this.#unrecorded.set(domainId, held)
    return fresh
  }

  /** Writes the chain's findings in memory to the quarantine. Never rejects: on failure they stay in memory. */
  record(domainId: string): Promise<void> {
    return this.#inTurn(() => this.#record(domainId))
  }

  async #record(domainId: string): Promise<void> {
    const held = this.#unrecorded.get(domainId)
    if (held === undefined) return
    const findings = [...held.values()]
    try {
      const recorded = await recordFindings(this.#deps.quarantine, domainId, 'postgres', findings)
      if (recorded === 'not_permitted') throw new AuditError('database_permission_denied', 'not permitted')
      if (recorded.written > 0) this.#report(domainId, findings)
      // Count the records before the findings in memory are dropped, so that the sum never falls.
      await this.#recount()
      this.#forget(domainId, findings)
      this.#deps.onRecorded(domainId)
    } catch (error) {
      this.#report(domainId, findings)
      this.#deps.onUnrecorded(domainId, error)
    }
  }

  #report(domainId: string, findings: readonly Finding[]): void {
    const fresh = findings.filter((finding) => !this.#reported.has(keyOf(domainId, finding)))
    if (fresh.length === 0) return
    for (const finding of fresh) this.#reported.add(keyOf(domainId, finding))
    this.#deps.onFound(domainId, fresh)
  }

  async recordAll(): Promise<void> {
    for (const domainId of [...this.#unrecorded.keys()]) await this.record(domainId)
  }

  /** Reads the quarantine if it changed. Rejects with the database's error. */
  refresh(now: number): Promise<void> {
    return this.#inTurn(() => this.#refresh(now))
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #refresh(now: number): Promise<void> {
    const mark = await this.#deps.overview.mark()
    if (mark === this.#mark && now - this.#countedAt < RECOUNT) return
    const before = this.isRead ? this.#sum(false) : undefined
    await this.#recount()
    const open = this.#sum(false)
    if (before !== undefined && open > before) this.#deps.onAdded(open - before)
    this.#mark = mark
    this.#countedAt = now
  }

  async #recount(): Promise<void> {
    const { overview, onRemoved } = this.#deps
    const { counts, acknowledged } = await overview.read(MAX_ACKNOWLEDGED)
    this.#counts = counts
    this.#acknowledged = new Set(acknowledged.map(keyOfRecord))
    this.isRead = true
    const total = this.#sum(false) + this.#sum(true)
    if (total < this.#highestTotal) onRemoved(this.#highestTotal - total)
    this.#highestTotal = Math.max(this.#highestTotal, total)
  }

  #isAcknowledged(domainId: string, finding: Finding, named: ReadonlySet<Finding>): boolean {
    if (this.#acknowledged.has(keyOf(domainId, finding))) return true
    return (
      named.has(finding) && this.#acknowledged.has(keyOfRow({ domainId, seq: finding.seqFrom, ...finding }))
    )
  }

  #forget(domainId: string, findings: readonly Finding[]): void {
    const held = this.#unrecorded.get(domainId)
    for (const finding of findings) held?.delete(keyOf(domainId, finding))
    if (held?.size === 0) this.#unrecorded.delete(domainId)
  }

  #sum(acknowledged: boolean): number {
    return this.#counts.reduce((sum, one) => sum + (one.acknowledged === acknowledged ? one.count : 0), 0)
  }
}

function keyOf(domainId: string, finding: Finding): string {
  return `${domainId}/${findingFingerprint(finding, 'postgres')}`
}

function keyOfRecord({ domainId, fingerprint, ...row }: FindingKey): string {
  return fingerprint === undefined ? keyOfRow({ domainId, ...row }) : `${domainId}/${fingerprint}`
}

function keyOfRow({ domainId, code, seq, expected, observed }: FindingKey): string {
  return [domainId, code, seq, expected ?? '', observed ?? ''].join('/')
}
