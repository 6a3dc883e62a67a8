import type { AuditError } from '../base/errors.js'
import { foundBefore } from '../base/store-failure.js'
import type { MarkerState } from '../marker/judge-marker.js'
import type { ArchiveLedger, LedgerRow } from '../ports/archive.js'
import type { MirrorCodec, Strays } from '../ports/mirror.js'
import type { ScanProgress, SnapshotSource } from '../ports/verify.js'
import { StrayNames } from '../verify/mirror/stray-names.js'
import {
  hasLostObject,
  type LedgerStep,
  noSuchChain,
  type OpenChain,
  openChain,
  walkLedger,
} from './ledger-walk.js'
import type { Mirror, Mirrors } from './mirrors.js'

export interface StatusDeps {
  readonly ledger: ArchiveLedger
  readonly present: SnapshotSource['present']
  readonly mirrors: Mirrors
  /** Judges the marker of a mirror. */
  readonly judgeMarker: (mirror: Mirror, signal: AbortSignal) => Promise<MarkerState>
  readonly codec: MirrorCodec
  readonly onProgress: (progress: ScanProgress) => void
}

/** How far the archive of a chain has come, and where rows and keys do not match. */
export interface ArchiveStatus {
  readonly domainId: string
  readonly mirrorUrl: string
  readonly marker: MarkerState
  readonly rows: number
  readonly archived: number
  /** Age of the oldest row without a stamp; 0 where every row has one. */
  readonly lagSeconds: number
  readonly objects: number
  /** Objects of rows without a stamp that counts. The archiver stamps those rows. */
  readonly unstampedObjects: number
  /** Rows with a stamp and without an object. */
  readonly gaps: { readonly count: number; readonly firstSeqs: readonly number[] }
  /** Objects below the chain's prefix that belong to no row of it. */
  readonly orphans: { readonly count: number; readonly firstKeys: readonly string[] }
  /** Names below the chain's prefix that are no keys of rows. */
  readonly strays?: Strays | undefined
  /** Why the comparison broke off after it had found something. */
  readonly error?: AuditError | undefined
}

/** Gaps and orphans that are listed, at most. */
const NAMED = 10

/** Objects without a row that are looked up in PostgreSQL at once. */
const ORPHANS = 1_000

/** Compares the keys and rows of one chain, and opens no object. Rejects with `domain_not_found` where there is neither. */
export async function statusOfChain(
  domainId: string,
  deps: StatusDeps,
  signal: AbortSignal,
): Promise<ArchiveStatus> {
  const chain = await openChain(domainId, deps)
  const status = await new Comparison(chain, deps, signal).run()
  if (!chain.state.known && status.rows + status.objects === 0) throw noSuchChain(domainId)
  return status
}

class Comparison {
  #rows = 0
  #archived = 0
  #objects = 0
  #unstampedObjects = 0
  #firstUnstamped: number | undefined
  #gaps = 0
  #orphans = 0
  readonly #firstSeqs: number[] = []
  #firstKeys: string[] = []
  readonly #strays = new StrayNames()
  #rowless: { seq: number; key: string }[] = []

  constructor(
    readonly chain: OpenChain,
    readonly deps: StatusDeps,
    readonly signal: AbortSignal,
  ) {}

  async run(): Promise<ArchiveStatus> {
    const { ledger, codec, onProgress } = this.deps
    const { domainId, state, mirror } = this.chain
    const { lastSeq } = state
    const request = { domainId, fromSeq: 1, toSeq: lastSeq, prefix: codec.prefix(domainId) }
    let error: AuditError | undefined
    try {
      for await (const step of walkLedger(request, ledger, mirror.store, codec, this.signal)) {
        await this.#compare(step)
        onProgress({ rows: this.#rows, total: lastSeq })
      }
      await this.#lookUpRowless()
    } catch (thrown) {
      error = foundBefore(thrown, (broken) => (this.#gaps + this.#orphans > 0 ? broken : undefined))
    }
    return {
      domainId,
      mirrorUrl: mirror.store.url,
      marker: await this.deps.judgeMarker(mirror, this.signal),
      rows: this.#rows,
      archived: this.#archived,
      lagSeconds:
        this.#firstUnstamped === undefined ? 0 : await ledger.ageSeconds(domainId, this.#firstUnstamped),
      objects: this.#objects,
      unstampedObjects: this.#unstampedObjects,
      gaps: { count: this.#gaps, firstSeqs: this.#firstSeqs },
      orphans: { count: this.#orphans, firstKeys: this.#firstKeys },
      strays: this.#strays.found,
      error,
    }
  }

  async #compare(step: LedgerStep): Promise<void> {
    if (step.kind === 'stray') this.#strays.add(step.key)
    else if (step.kind !== 'row') this.#objects += 1
    if (step.kind === 'stray') return
    if (step.kind === 'orphan') this.#addOrphan(step.key)
    else if (step.kind === 'object') await this.#addRowless(step)
    else await this.#addRow(step.row, step.kind === 'both')
  }

  async #addRow(row: LedgerRow, hasObject: boolean): Promise<void> {
    this.#rows += 1
    if (row.archivedAt === undefined) {
      this.#firstUnstamped ??= row.seq
      if (hasObject) this.#unstampedObjects += 1
      return
    }
    this.#archived += 1
    if (hasObject || !(await this.#isLost(row))) return
    this.#gaps += 1
    if (this.#firstSeqs.length < NAMED) this.#firstSeqs.push(row.seq)
  }

  #isLost(row: LedgerRow): Promise<boolean> {
    return hasLostObject(this.chain, row, this.deps.codec, this.signal)
  }

  async #addRowless(object: { seq: number; key: string }): Promise<void> {
    this.#rowless.push({ seq: object.seq, key: object.key })
    if (this.#rowless.length >= ORPHANS) await this.#lookUpRowless()
  }

  /** A row may have been appended and archived since PostgreSQL was read. */
  async #lookUpRowless(): Promise<void> {
    const rowless = this.#rowless
    this.#rowless = []
    if (rowless.length === 0) return
    const seqs = rowless.map(({ seq }) => seq)
    const present = await this.deps.present(this.chain.domainId, seqs)
    for (const { seq, key } of rowless) if (!present.has(seq)) this.#addOrphan(key)
  }

  #addOrphan(key: string): void {
    this.#orphans += 1
    this.#firstKeys = [...this.#firstKeys, key].sort().slice(0, NAMED)
  }
}
