import { AuditError } from '../../base/errors.js'
import { isChainId } from '../../chain/uuid.js'
import type { MirrorMarkers } from '../../ports/marker.js'
import type { IndexedMirror, MirrorCodec } from '../../ports/mirror.js'
import { holdsChain } from './mapped-chains.js'

/** What distinguishes a mirror from another place. */
export interface PlaceDeps {
  readonly codec: MirrorCodec
  readonly markers: Pick<MirrorMarkers, 'read'>
}

/**
 * Returns the error for a place of the map that is no mirror: it has no marker and no object of any chain, like an empty mount
 * point. That a chain is absent there proves nothing. Returns undefined for a mirror. Rejects as the store does.
 */
export async function emptyPlace(
  store: IndexedMirror,
  domainId: string,
  { codec, markers }: PlaceDeps,
  signal: AbortSignal,
): Promise<AuditError | undefined> {
  for (const folder of (await store.folders(codec.prefix(), signal)).filter(isChainId))
    if (await holdsChain(store, codec, folder, signal)) return undefined
  const marker = await markers.read(store, signal)
  if (marker.kind !== 'none') return undefined
  const problem = `mirror ${store.url}: there is no marker audit/mirror.json and no object of any chain`
  return new AuditError('mirror_unmarked', `${problem}, so whether chain ${domainId} is missing is unknown`, {
    advice: { code: 'check_mirror_line', domainId },
  })
}
