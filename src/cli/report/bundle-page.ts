import { basename } from 'node:path'
import { AuditError } from '../../base/errors.js'
import type { BundleReport } from '../../bundle/export-chain.js'
import { filterJson } from '../../bundle/manifest-selection.js'
import type { Selection } from '../../bundle/selection.js'
import type { ChainHead } from '../../chain/entry.js'
import type { Finding } from '../../chain/finding.js'
import type { RowObserver } from '../../ports/verify.js'
import { madeNow } from './clock.js'
import { checkCommands } from './copy-words.js'
import { type PageAssets, pageAssets, reportPage } from './page/document.js'
import type { ReportData } from './page/report-data.js'
import { ReportWatcher } from './report-watcher.js'

/** Makes the page of a bundle from the rows that the bundle holds, and from nothing else. */
export class BundlePage implements BundleReport {
  readonly observer: RowObserver
  readonly #watcher = new ReportWatcher(1, undefined)
  readonly #assets: PageAssets = pageAssets()
  readonly #domainId: string
  readonly #path: string
  readonly #tool: string

  constructor(domainId: string, path: string, tool: string) {
    this.#domainId = domainId
    this.#path = path
    this.#tool = tool
    this.observer = this.#watcher.observer(domainId)
  }

  page(selection: Selection, last: ChainHead, findings: readonly Finding[]): Buffer {
    const watcher = this.#watcher
    const [counted] = watcher.chains()
    const verdict = {
      ok: findings.length === 0,
      domainId: this.#domainId,
      source: 'bundle',
      segmentFrom: selection.fromSeq,
      segmentTo: selection.toSeq,
      toSeq: selection.toEnd ? undefined : selection.toSeq,
      rows: counted?.tally?.rows ?? 0,
      head: last,
      end: 'unproven',
      findings,
      doubts: [],
      durationMs: 0,
    } as const
    watcher.verified(verdict, [])
    if (selection.kind === 'filtered' && verdict.ok) watcher.failed(this.#domainId, partial())
    return Buffer.from([...reportPage(this.#data(selection), watcher.rows, this.#assets)].join(''), 'utf8')
  }

  #data(selection: Selection): ReportData {
    const chains = this.#watcher.chains()
    const file = basename(this.#path)
    return {
      tool: this.#tool,
      madeAt: madeNow(),
      copy: `the copy that was exported to ${file}, while it was written`,
      source: 'bundle',
      chains,
      doubts: [],
      others: [],
      filter: Object.entries(filterJson(selection.filter)).map(([name, value]) => [name, String(value)]),
      hasContext: false,
      isInBundle: true,
      commands: checkCommands({ source: 'bundle', file }, chains),
    }
  }
}

function partial(): AuditError {
  const message =
    'the rows are intact, but they are a filtered selection, which cannot show that no row is missing'
  return new AuditError('bundle_filtered', message)
}
