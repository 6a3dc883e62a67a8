import type { AuditError } from '../base/errors.js'
import type { ArchivedChain } from '../ports/marker.js'
import { judgeMarker, type MarkedMirror, type MarkerDeps, type MarkerState } from './judge-marker.js'
import { markerError } from './marker-error.js'
import { MarkerWriter, type WriterReport } from './marker-writer.js'

export interface MirrorGuardDeps extends MarkerDeps {
  /** Creates the last folder of the path of a mirror in a directory, where it is missing. */
  readonly makeRoot: (url: string) => Promise<void>
  readonly report: MarkerReport
}

/** What the run reports about the places it judges, once each. */
export interface MarkerReport extends WriterReport {
  /** The mirror may not be read, so that it is unknown whether it is the mirror. Called once a run. */
  readonly unreadable: (error: AuditError) => void
}

export interface MirrorGuardOptions {
  /**
   * `begin`: the operator asked for a marker. `replace`: also in an empty place, although rows were archived to the one
   * before; the command then uploads them again.
   */
  readonly init?: 'begin' | 'replace' | undefined
  /** Whether the database is the embedded one of a home. Its first run needs no request. */
  readonly isHome: boolean
  /** Whether to write nothing, neither a marker nor its record. */
  readonly dryRun?: boolean | undefined
}

/**
 * Decides for the archiver and backfill whether a place is the mirror, and writes its marker where it may. A marker is
 * never overwritten.
 */
export class MirrorGuard {
  readonly #deps: MirrorGuardDeps
  readonly #options: MirrorGuardOptions
  /** By URL: the mirrors that this run has found to be ours. None of them gets a second marker in this run. */
  readonly #known = new Set<string>()
  readonly #writer: MarkerWriter
  readonly #running = new Map<string, Promise<void>>()
  /** The chains as they were when this run first asked. */
  #chains: Promise<readonly ArchivedChain[]> | undefined
  #isUnreadableReported = false

  constructor(deps: MirrorGuardDeps, options: MirrorGuardOptions) {
    this.#deps = deps
    this.#writer = new MarkerWriter(deps, deps.report)
    this.#options = options
  }

  /** Returns whether this run has begun the mirror at a URL. */
  hasBegun(url: string): boolean {
    return this.#writer.begun.has(url)
  }

  /**
   * Resolves where the place is the mirror. Rejects with `mirror_unmarked` or `mirror_mismatch` where it is not, and as
   * the store does. Calls that come while one runs share its answer.
   */
  async assertOurs(mirror: MarkedMirror, signal: AbortSignal): Promise<void> {
    const { url } = mirror
    const running =
      this.#running.get(url) ?? this.#assert(mirror, signal).finally(() => this.#running.delete(url))
    this.#running.set(url, running)
    await running
  }

  async #assert(mirror: MarkedMirror, signal: AbortSignal): Promise<void> {
    const mayBegin = !this.#known.has(mirror.url) && (await this.#mayBegin(mirror))
    if (mayBegin) await this.#deps.makeRoot(mirror.url)
    const state = await judgeMarker(mirror, this.#deps, signal)
    if (!(await this.#accept(state, mirror, mayBegin, signal))) throw markerError(mirror.store.url, state)
    this.#known.add(mirror.url)
  }

  async #accept(
    state: MarkerState,
    mirror: MarkedMirror,
    mayBegin: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (state.kind === 'ours') return true
    if (state.kind === 'unreadable' && !state.isRecorded && !mayBegin) {
      if (!this.#isUnreadableReported) this.#deps.report.unreadable(state.error)
      this.#isUnreadableReported = true
      return true
    }
    if (state.kind === 'other' || (state.kind !== 'adoptable' && !mayBegin)) return false
    if (this.#options.dryRun === true) return true
    if (state.kind !== 'adoptable') await this.#writer.begin(mirror, signal)
    else if (state.id !== undefined) await this.#writer.record(mirror, state.id)
    else await this.#writer.adopt(mirror, signal)
    return true
  }

  /**
   * The first run of a home may begin a mirror anywhere, as long as no row was archived at its start. The archiver begins
   * no mirror for chains that have archived rows: an empty place is then more likely one that is not mounted.
   */
  async #mayBegin({ serves }: MarkedMirror): Promise<boolean> {
    const { init, isHome, dryRun = false } = this.#options
    if (dryRun) return false
    if (init === 'replace') return true
    if (init === undefined && !isHome) return false
    const archived = (await this.#chainsAtStart()).filter(({ stamped }) => stamped !== undefined)
    return init === 'begin' ? !archived.some(serves) : archived.length === 0
  }

  #chainsAtStart(): Promise<readonly ArchivedChain[]> {
    this.#chains ??= this.#deps.registry.chains().catch((error: unknown) => {
      this.#chains = undefined
      throw error
    })
    return this.#chains
  }
}
