import { findingFingerprint } from '../chain/finding-fingerprint.js'
import type { QuarantineStore } from '../ports/quarantine.js'
import { recordFindings } from '../quarantine/quarantine.js'
import type { SourcedFinding } from './findings.js'

export interface FindingLogDeps {
  readonly quarantine: QuarantineStore
  /** Reports one finding. */
  readonly report: (domainId: string, found: SourcedFinding) => void
  /** Reports, once, that the quarantine could not be written. */
  readonly notPermitted: () => void
}

/** Findings that are remembered. A finding beyond them is reported again each time. */
const REMEMBERED = 100_000

/**
 * Writes findings to the quarantine and reports them, each once a run: every pass finds a row that is held back again. A
 * finding is reported once it is written; if the write fails, the next pass finds it again.
 */
export class FindingLog {
  readonly #deps: FindingLogDeps
  readonly #known = new Set<string>()
  #isRefused = false

  constructor(deps: FindingLogDeps) {
    this.#deps = deps
  }

  async add(domainId: string, found: readonly SourcedFinding[]): Promise<void> {
    const fresh = found.filter((one) => !this.#known.has(keyOf(domainId, one)))
    for (const source of new Set(fresh.map((one) => one.source))) {
      const findings = fresh.filter((one) => one.source === source).map(({ finding }) => finding)
      const recorded = await recordFindings(this.#deps.quarantine, domainId, source, findings)
      if (recorded === 'not_permitted') this.#onRefusal()
    }
    for (const one of fresh) {
      if (this.#known.size < REMEMBERED) this.#known.add(keyOf(domainId, one))
      this.#deps.report(domainId, one)
    }
  }

  #onRefusal(): void {
    if (!this.#isRefused) this.#deps.notPermitted()
    this.#isRefused = true
  }
}

function keyOf(domainId: string, { source, finding }: SourcedFinding): string {
  return [domainId, source, findingFingerprint(finding, source)].join()
}
