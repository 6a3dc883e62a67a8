import type { GivenMirrors } from '../base/advice.js'
import { AuditError } from '../base/errors.js'
import { sum } from '../base/sum.js'
import type { ArchivedChain, FoundMarker, MirrorMarkers } from '../ports/marker.js'
import type { MirrorStore } from '../ports/mirror.js'
import { isOfAnotherLog } from './another-log.js'
import { type EvidenceDeps, evidenceIn } from './evidence.js'
import { firstMarkerId } from './first-id.js'
import { orDenied } from './or-denied.js'

/** A mirror, and the chains that the operator's settings put there. */
export interface MarkedMirror {
  /** The URL that it was opened by. */
  readonly url: string
  readonly store: MirrorStore
  readonly serves: (chain: ArchivedChain) => boolean
  /** What a command that begins this mirror repeats, so that it sends no chain elsewhere. */
  readonly given: GivenMirrors
}

export interface MarkerDeps extends EvidenceDeps {
  readonly markers: MirrorMarkers
  /** Returns the URL of the mirror where somebody gave a folder above or below it. Absent: nobody looks for it. */
  readonly near?: ((mirror: MarkedMirror, signal: AbortSignal) => Promise<string | undefined>) | undefined
}

/** A place without a marker that does not hold the row that was archived last. */
export interface Unmarked {
  readonly kind: 'unmarked'
  /** How many rows of the chains that belong there are archived. */
  readonly archived: number
  /** The chain that belongs there, if it is the only one. */
  readonly only?: string | undefined
  readonly given: GivenMirrors
  /** The URL of the mirror itself, in a folder above or below. */
  readonly near?: string | undefined
}

/** Whether a place is the mirror of a database. */
export type MarkerState =
  /** The marker has the id that the database recorded. */
  | { readonly kind: 'ours'; readonly id: string }
  /**
   * The marker, or its record, is missing, and the mirror holds the row that the database archived last. `id` is the
   * marker's, which the database has not recorded.
   */
  | { readonly kind: 'adoptable'; readonly id?: string | undefined }
  | Unmarked
  | { readonly kind: 'other'; readonly found: FoundMarker; readonly recorded?: string | undefined }
  /** Nothing may be read, so it is unknown what is there. */
  | { readonly kind: 'unreadable'; readonly error: AuditError; readonly isRecorded: boolean }

/** Judges a place by its marker. Reads at most one object of a row, and writes nothing. Rejects where it cannot be read. */
export async function judgeMarker(
  mirror: MarkedMirror,
  deps: MarkerDeps,
  signal: AbortSignal,
): Promise<MarkerState> {
  const recorded = await deps.registry.recorded()
  const found = await orDenied(deps.markers.read(mirror.store, signal))
  if (found instanceof AuditError) return unreadable(found, recorded, mirror, deps, signal)
  if (found.kind === 'malformed') return { kind: 'other', found, recorded }
  if (found.kind === 'id' && recorded !== undefined) {
    return found.id === recorded ? { kind: 'ours', id: recorded } : { kind: 'other', found, recorded }
  }
  const chains = (await deps.registry.chains()).filter(mirror.serves)
  const isForeign = await isOfAnotherLog(mirror.store, deps, signal)
  const evidence = isForeign ? 'missing' : await evidenceIn(mirror.store, chains, recorded, deps, signal)
  if (found.kind === 'none')
    return evidence === 'ours' ? { kind: 'adoptable' } : unmarked(chains, mirror, deps, signal)
  if (evidence === 'ours') return { kind: 'adoptable', id: found.id }
  // The writer of this marker died before it recorded the id.
  const isOwn = evidence === 'nothing archived' && found.id === (await firstMarkerId(deps.registry))
  return isOwn ? { kind: 'adoptable', id: found.id } : { kind: 'other', found }
}

/** A store that may not be listed answers 403 for an object that does not exist, so a row that may be read decides. */
async function unreadable(
  error: AuditError,
  recorded: string | undefined,
  mirror: MarkedMirror,
  deps: MarkerDeps,
  signal: AbortSignal,
): Promise<MarkerState> {
  const chains = (await deps.registry.chains()).filter(mirror.serves)
  const evidence = await orDenied(evidenceIn(mirror.store, chains, recorded, deps, signal))
  if (evidence === 'ours') return { kind: 'adoptable' }
  if (evidence === 'nothing archived') return unmarked(chains, mirror, deps, signal)
  return { kind: 'unreadable', error, isRecorded: recorded !== undefined }
}

async function unmarked(
  chains: readonly ArchivedChain[],
  mirror: MarkedMirror,
  { near }: MarkerDeps,
  signal: AbortSignal,
): Promise<Unmarked> {
  const archived = sum(chains, ({ stamped }) => stamped?.rows ?? 0)
  return {
    kind: 'unmarked',
    archived,
    only: chains.length === 1 ? chains[0]?.domainId : undefined,
    given: mirror.given,
    // A place beside which nothing was archived has no mirror near it.
    near: archived === 0 ? undefined : await near?.(mirror, signal),
  }
}
