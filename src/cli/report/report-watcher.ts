import { AuditError } from '../../base/errors.js'
import { matches, type RowFilter } from '../../base/row-filter.js'
import type { ChainHead, Entry } from '../../chain/entry.js'
import { reasonOrdinal } from '../../chain/reason.js'
import type { ElsewhereChain } from '../../ports/domains.js'
import type { RowObserver } from '../../ports/verify.js'
import { ReportCollector } from '../../report/collector.js'
import type { Verdict } from '../../verify/verdict.js'
import type { VerifyWatcher } from '../verify/watcher.js'
import type { ListedChain } from './context-blocks.js'
import type { ChainReport } from './page/report-data.js'
import { RowList } from './page/row-list.js'

/** Values of a field, and bars of the timeline, that a page shows of each chain. */
const TALLY_LIMITS = { top: 15, bars: 120 }

/** What is known of one chain so far. */
interface Watched {
  readonly collector?: ReportCollector
  readonly verdict?: Verdict
  readonly failure?: AuditError
  readonly pins: readonly ChainHead[]
}

/** Collects what a report says of each chain while the chains are verified. */
export class ReportWatcher implements VerifyWatcher {
  /** The rows of the table. */
  readonly rows = new RowList()
  /** Why not every chain may have been verified. */
  readonly doubts: AuditError[] = []
  /** The chains in other mirrors, which were not verified. */
  readonly others: ElsewhereChain[] = []
  readonly #chains = new Map<string, Watched>()
  readonly #fromSeq: number
  readonly #filter: RowFilter | undefined

  /** `filter` is absent where every row is selected. */
  constructor(fromSeq: number, filter: RowFilter | undefined) {
    this.#fromSeq = fromSeq
    this.#filter = filter
  }

  observer(domainId: string): RowObserver {
    const index = this.#chains.size
    const filter = this.#filter
    const isSelected = filter === undefined ? undefined : (entry: Entry) => isMatch(filter, entry)
    // Chains are verified one after the other, so the rows of this chain are the last ones of the list.
    const begin = this.rows.length
    const collector = new ReportCollector({
      fromSeq: this.#fromSeq,
      isSelected,
      list: (row) => this.rows.add(index, row),
      unlist: () => this.rows.cut(begin),
    })
    this.#chains.set(domainId, { collector, pins: [] })
    return collector
  }

  verified(verdict: Verdict, pins: readonly ChainHead[]): void {
    this.#chains.set(verdict.domainId, { ...this.#chains.get(verdict.domainId), verdict, pins })
  }

  failed(domainId: string, error: unknown): void {
    const failure = error instanceof AuditError ? error : new AuditError('internal', 'the check failed')
    this.#chains.set(domainId, { pins: [], ...this.#chains.get(domainId), failure })
  }

  elsewhere(chain: ElsewhereChain): void {
    this.others.push(chain)
  }

  doubted(doubt: AuditError): void {
    this.doubts.push(doubt)
  }

  /** The rows of each chain that the page lists. */
  listed(): ListedChain[] {
    return [...this.#chains].flatMap(([domainId, { collector }], index) => {
      const range = collector?.range
      return range === undefined ? [] : [{ index, domainId, ...range }]
    })
  }

  /** The chains in the order in which they were read. */
  chains(): readonly ChainReport[] {
    return [...this.#chains].map(([domainId, { collector, ...chain }]) => ({
      domainId,
      ...chain,
      tally: collector?.result(TALLY_LIMITS),
    }))
  }
}

function isMatch(filter: RowFilter, entry: Entry): boolean {
  return matches(filter, { ...entry, reason: reasonOrdinal(entry.reason) })
}
