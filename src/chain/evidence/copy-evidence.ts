import type { ChainHead } from '../entry.js'
import type { Finding, FindingCounts } from '../finding.js'
import type { FoldResult, StoredRow } from '../fold.js'
import type { Hasher } from '../hash.js'
import { EvidenceLog, type SeenCopy, type SeenRows } from './evidence-log.js'
import type { ContextRow } from './finding-evidence.js'
import { withRowsAround } from './head-rows.js'
import { RECENT } from './neighbours.js'
import { PinnedHashes } from './pinned-hashes.js'
import { type Holding, previousOf } from './row-check.js'

export interface CopyEvidenceOptions extends Pick<Holding, 'isSelection'> {
  readonly copy: SeenCopy
  /** Default: whatever the rows say. */
  readonly domainId?: string | undefined
  readonly fromSeq: number
  readonly pins?: readonly ChainHead[] | undefined
  readonly heads?: readonly ChainHead[] | undefined
  readonly hasher: Hasher
  /** Returns the last rows that the scan passed before the row that is added, oldest first, up to {@link RECENT}. */
  readonly recent: () => readonly StoredRow[]
}

type ShownResult = Pick<FoldResult, 'findings' | 'heads'>

/** Keeps the rows around the findings of one copy, which the fold has judged. */
export class CopyEvidence {
  readonly #options: CopyEvidenceOptions
  readonly #log: EvidenceLog
  readonly #pins: PinnedHashes

  constructor(options: CopyEvidenceOptions) {
    this.#options = options
    this.#log = new EvidenceLog(options.domainId, options.hasher)
    this.#pins = new PinnedHashes([...(options.pins ?? []), ...(options.heads ?? [])])
  }

  /** Whether the next row is to be added, also without a finding. */
  get isFollowing(): boolean {
    return this.#log.isFollowing
  }

  /** Adds a row that may have a finding: the counts of findings before and after it was judged say so. */
  see(row: StoredRow, before: FindingCounts, after: FindingCounts): void {
    const isUnpinned = this.#pins.contradict(row)
    const found = after.added > before.added || isUnpinned
    const isFirst = after.separate > before.separate || isUnpinned
    if (!found && !this.isFollowing) return
    let loaded: readonly SeenRows[] | undefined
    const load = () => {
      loaded ??= this.#seen([...this.#options.recent(), row])
      return loaded
    }
    this.#log.see(row, { found, isFirst }, load)
  }

  /** Returns a result with the rows around its findings, and with the last rows. Call it when every row was added. */
  shown<R extends ShownResult>(result: R): R & { readonly lastRows: readonly ContextRow[] } {
    const recent = this.#seen(this.#options.recent())
    this.#log.end(recent)
    const heads = result.heads?.map((head) => withRowsAround(head, this.#log))
    return {
      ...result,
      findings: this.withRows(result.findings),
      ...(heads !== undefined && { heads }),
      lastRows: this.#log.last(recent),
    }
  }

  /** Returns findings with the rows around them, after {@link shown}. */
  withRows(findings: readonly Finding[]): Finding[] {
    return findings.map((finding) => ({ ...finding, ...this.#log.of(finding) }))
  }

  /** The first of {@link RECENT} rows may get a wrong row before it; it is not kept. */
  #seen(rows: readonly StoredRow[]): SeenRows[] {
    const { copy, fromSeq, isSelection } = this.#options
    const holding = { isFromStart: fromSeq <= 1, isSelection }
    return rows.map((row, at) => ({
      seq: row.seq,
      rows: { [copy]: row },
      before: { [copy]: previousOf(row.seq, rows[at - 1], holding) },
    }))
  }
}
