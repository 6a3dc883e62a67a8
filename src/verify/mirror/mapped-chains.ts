import type { AuditError } from '../../base/errors.js'
import type { MirrorLocations } from '../../base/mirror-locations.js'
import { storeFailure } from '../../base/store-failure.js'
import type { IndexedMirror, MirrorCodec, MirrorStore } from '../../ports/mirror.js'

/** The Domains that have a line of their own in the operator's map. */
export interface MappedChains {
  /** Those that have an object in the mirror of their line. */
  readonly found: readonly string[]
  /** By domain id: why the mirror of the line cannot be read. */
  readonly unread: ReadonlyMap<string, AuditError>
}

/** Looks for each Domain with a line in the mirror of its line. A mirror that cannot be read does not stop the others. */
export async function mappedChains(
  locations: MirrorLocations,
  mirrorAt: (url: string) => Promise<IndexedMirror>,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<MappedChains> {
  const found: string[] = []
  const unread = new Map<string, AuditError>()
  for (const domainId of locations.listed) {
    const store = await mirrorAt(locations.ofChosen(domainId))
    try {
      if (await holdsChain(store, codec, domainId, signal)) found.push(domainId)
    } catch (error) {
      const broken = storeFailure(error)
      if (broken === undefined) throw error
      unread.set(domainId, broken)
    }
  }
  return { found, unread }
}

/** Returns whether a mirror holds an object of a chain. Names that are no keys of rows do not count. */
export async function holdsChain(
  store: MirrorStore,
  codec: MirrorCodec,
  domainId: string,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const { key } of store.list(codec.prefix(domainId), signal)) {
    if (codec.hasRowForm(key)) return true
  }
  return false
}
