import { AuditError } from '../base/errors.js'
import type { Finding } from '../chain/finding.js'
import type { QuarantineStore } from '../ports/quarantine.js'
import type { FindingKey, QuarantineCount, QuarantineOverview } from '../ports/reconcile.js'
import { recordFindings } from '../quarantine/quarantine.js'

export interface FindingsDeps {
  readonly quarantine: QuarantineStore
  readonly overview: QuarantineOverview
  /** Findings that were not in the quarantine before, or some of which were not; told once, also where it cannot be written. */
  readonly onFound: (domainId: string, findings: readonly Finding[]) => void
  /** They could not be written down, and stay in memory. */
  readonly onUnrecorded: (domainId: string, error: unknown) => void
  readonly onRecorded: (domainId: string) => void
  /** There are fewer records than before, which no program of ours can bring about. */
  readonly onRemoved: (removed: number) => void
}

/** Acknowledged findings that are held in memory, to be told from new ones at once. */
const KNOWN = 10_000

/** Milliseconds after which the counts are read although nothing has changed. */
const RECOUNT = 30_000

/** What was found and is not settled: in the quarantine, and in memory what could not be written there. */
export class OpenFindings {
  readonly #deps: FindingsDeps
  readonly #unrecorded = new Map<string, Map<string, Finding>>()
  readonly #told = new Set<string>()
  #counts: readonly QuarantineCount[] = []
  #acknowledged: ReadonlySet<string> = new Set()
  #mark: string | undefined
  #countedAt = Number.NEGATIVE_INFINITY
  #most = 0
  /** Of the count that was begun last, and of the newest one that is in. */
  #begun = 0
  #taken = 0
  /** Whether the quarantine was read at all. */
  isRead = false

  constructor(deps: FindingsDeps) {
    this.#deps = deps
  }

  /** Of the quarantine as it was last read. */
  get counts(): readonly QuarantineCount[] {
    return this.#counts
  }

  /** Findings that nobody has acknowledged; records that were removed count, for nobody acknowledged those either. */
  get open(): number {
    const inMemory = [...this.#unrecorded.values()].reduce((sum, { size }) => sum + size, 0)
    return inMemory + this.#sum(false) + (this.#most - this.#sum(false) - this.#sum(true))
  }

  get acknowledged(): number {
    return this.#sum(true)
  }

  /** Whether findings of this chain are in memory alone. */
  isUnrecorded(domainId: string): boolean {
    return this.#unrecorded.has(domainId)
  }

  /** Counts at once whatever is not acknowledged already, and returns it. */
  add(domainId: string, findings: readonly Finding[]): readonly Finding[] {
    const fresh = findings.filter((finding) => !this.#acknowledged.has(keyOf({ domainId, ...finding })))
    if (fresh.length === 0) return fresh
    const held = this.#unrecorded.get(domainId) ?? new Map<string, Finding>()
    for (const finding of fresh) held.set(keyOf({ domainId, ...finding }), finding)
    this.#unrecorded.set(domainId, held)
    return fresh
  }

  /** Writes down what is in memory alone. Never rejects: what cannot be written stays where it is. */
  async record(domainId: string): Promise<void> {
    const held = this.#unrecorded.get(domainId)
    if (held === undefined) return
    const findings = [...held.values()]
    try {
      const recorded = await recordFindings(this.#deps.quarantine, domainId, 'postgres', findings)
      if (recorded === 'not_permitted') throw new AuditError('database_permission_denied', 'not permitted')
      if (recorded.written > 0) this.#tell(domainId, findings)
      // Counted there before they are no longer counted here.
      await this.#recount()
      this.#forget(domainId, findings)
      this.#deps.onRecorded(domainId)
    } catch (error) {
      this.#tell(domainId, findings)
      this.#deps.onUnrecorded(domainId, error)
    }
  }

  #tell(domainId: string, findings: readonly Finding[]): void {
    const fresh = findings.filter((finding) => !this.#told.has(keyOf({ domainId, ...finding })))
    if (fresh.length === 0) return
    for (const finding of fresh) this.#told.add(keyOf({ domainId, ...finding }))
    this.#deps.onFound(domainId, fresh)
  }

  async recordAll(): Promise<void> {
    for (const domainId of [...this.#unrecorded.keys()]) await this.record(domainId)
  }

  /** Reads what stands in the quarantine, if it changed. Rejects with the database's error. */
  async refresh(now: number): Promise<void> {
    const mark = await this.#deps.overview.mark()
    if (mark === this.#mark && now - this.#countedAt < RECOUNT) return
    await this.#recount()
    this.#mark = mark
    this.#countedAt = now
  }

  async #recount(): Promise<void> {
    const { overview, onRemoved } = this.#deps
    this.#begun += 1
    const turn = this.#begun
    const [counts, acknowledged] = await Promise.all([overview.counts(), overview.acknowledged(KNOWN)])
    // One that was begun later has overtaken this one.
    if (turn < this.#taken) return
    this.#taken = turn
    this.#counts = counts
    this.#acknowledged = new Set(acknowledged.map(keyOf))
    this.isRead = true
    const total = this.#sum(false) + this.#sum(true)
    if (total < this.#most) onRemoved(this.#most - total)
    this.#most = Math.max(this.#most, total)
  }

  #forget(domainId: string, findings: readonly Finding[]): void {
    const held = this.#unrecorded.get(domainId)
    for (const finding of findings) held?.delete(keyOf({ domainId, ...finding }))
    if (held?.size === 0) this.#unrecorded.delete(domainId)
  }

  #sum(acknowledged: boolean): number {
    return this.#counts.reduce((sum, one) => sum + (one.acknowledged === acknowledged ? one.count : 0), 0)
  }
}

function keyOf({ domainId, code, seqFrom, seqTo, expected, observed }: FindingKey): string {
  return [domainId, code, seqFrom, seqTo, expected ?? '', observed ?? ''].join('/')
}
