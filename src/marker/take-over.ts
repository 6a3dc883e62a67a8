import { AuditError } from '../base/errors.js'
import type { MirrorStore } from '../ports/mirror.js'
import { isOfAnotherLog } from './another-log.js'
import type { MarkerDeps } from './judge-marker.js'
import { markerError } from './marker-error.js'

/**
 * Records the id of a mirror's marker as the database's, unless it has one. A mirror without a marker is left to the
 * archiver, which adopts it. Resolves with an error where the marker is another one or cannot be read, and where the mirror
 * is that of another log.
 */
export async function takeOverMarker(
  store: MirrorStore,
  deps: MarkerDeps,
  signal: AbortSignal,
): Promise<AuditError | undefined> {
  const { registry, markers } = deps
  try {
    if (await isOfAnotherLog(store, deps, signal)) return ofAnotherLog(store)
    const found = await markers.read(store, signal)
    if (found.kind === 'none') return undefined
    const recorded = found.kind === 'id' ? await registry.record(found.id) : await registry.recorded()
    if (found.kind === 'id' && found.id === recorded) return undefined
    return markerError(store.url, { kind: 'other', found, recorded })
  } catch (error) {
    if (error instanceof AuditError) return error
    throw error
  }
}

/**
 * Returns whether the archiver will refuse a mirror that a chain is restored from: it has another marker, or is that of
 * another log. Writes nothing. A mirror that may not be read is believed.
 */
export async function isForeign(store: MirrorStore, deps: MarkerDeps, signal: AbortSignal): Promise<boolean> {
  try {
    if (await isOfAnotherLog(store, deps, signal)) return true
    const [found, recorded] = [await deps.markers.read(store, signal), await deps.registry.recorded()]
    return found.kind === 'id' && recorded !== undefined && found.id !== recorded
  } catch (error) {
    if (error instanceof AuditError) return false
    throw error
  }
}

function ofAnotherLog({ url }: MirrorStore): AuditError {
  return new AuditError(
    'mirror_mismatch',
    `mirror ${url} is that of another log: the first row of its platform chain is not that of this database`,
    { advice: { code: 'give_marked_mirror' } },
  )
}
