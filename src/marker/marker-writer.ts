import { AuditError } from '../base/errors.js'
import { firstMarkerId } from './first-id.js'
import type { MarkedMirror, MarkerDeps } from './judge-marker.js'
import { markerError } from './marker-error.js'
import { orDenied } from './or-denied.js'

export interface WriterReport {
  /** The marker of a mirror that holds the row archived last may not be written. Called once for each mirror. */
  readonly unwritable: (error: AuditError) => void
  /** The marker was written: a mirror has begun, or one without a marker was adopted. */
  readonly marked: (url: string, how: 'begun' | 'adopted') => void
}

/** Writes the markers of the mirrors of one run, and records their id. */
export class MarkerWriter {
  readonly #deps: MarkerDeps
  readonly #report: WriterReport
  /** By URL: the mirrors that this run has begun. */
  readonly begun = new Set<string>()
  /** By URL: the mirrors whose marker may not be written. */
  readonly #unwritable = new Set<string>()

  constructor(deps: MarkerDeps, report: WriterReport) {
    this.#deps = deps
    this.#report = report
  }

  /** Begins a mirror. Rejects with `mirror_permission_denied` where the marker may not be written; then no id is recorded. */
  async begin(mirror: MarkedMirror, signal: AbortSignal): Promise<void> {
    const denied = await this.#mark(mirror, signal)
    if (denied !== undefined) {
      const { code, message } = denied
      throw new AuditError(code, message, { advice: { code: 'allow_marker' }, cause: denied })
    }
    this.begun.add(mirror.url)
    this.#report.marked(mirror.store.url, 'begun')
  }

  /** Adopts a mirror whose rows show that it is ours. Where the marker may not be written, the mirror stays without one. */
  async adopt(mirror: MarkedMirror, signal: AbortSignal): Promise<void> {
    if (this.#unwritable.has(mirror.url)) return
    const denied = await this.#mark(mirror, signal)
    if (denied === undefined) return this.#report.marked(mirror.store.url, 'adopted')
    this.#unwritable.add(mirror.url)
    this.#report.unwritable(denied)
  }

  /** Records the id of a marker. Rejects with `mirror_mismatch` where another one is recorded. */
  async record(mirror: MarkedMirror, id: string): Promise<void> {
    const recorded = await this.#deps.registry.record(id)
    if (recorded === id) return
    throw markerError(mirror.store.url, { kind: 'other', found: { kind: 'id', id }, recorded })
  }

  /**
   * Creates the marker before its id is recorded, so that a marker that may not be written leaves no record. Dying in between
   * leaves a marker without a record: the next run computes the same id. Returns the error of a store that refuses the marker.
   */
  async #mark(mirror: MarkedMirror, signal: AbortSignal): Promise<AuditError | undefined> {
    const { registry, markers } = this.#deps
    const id = (await registry.recorded()) ?? (await firstMarkerId(registry))
    const there = await orDenied(markers.create(mirror.store, id, signal))
    if (there instanceof AuditError) return there
    if (there.kind !== 'id' || there.id !== id)
      throw markerError(mirror.store.url, { kind: 'other', found: there, recorded: id })
    await this.record(mirror, id)
    return undefined
  }
}
