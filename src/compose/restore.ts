import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { RestoreDeps } from '../restore/restore-deps.js'
import type { Context } from './context.js'
import { mirrorLocations } from './location.js'
import { openMarkers } from './marker.js'
import { mirrorCodec, openMirror } from './mirror.js'
import { openPepper } from './pepper.js'
import { openRestoreHeads } from './read/heads.js'

/** What `archive restore` works with, apart from how it shows its progress. */
export async function openRestoreDeps(
  context: Context,
  chain: string,
): Promise<Omit<RestoreDeps, 'runStep'>> {
  const locations = await mirrorLocations(context)
  const [{ takeOverMarker, isForeign }, { nodeHasher }, { postgresRestoreTarget }, { postgresSnapshots }] =
    await Promise.all([
      import('../marker/take-over.js'),
      import('../base/node-hasher.js'),
      import('../repo/restore/restore.js'),
      import('../repo/verify/postgres-snapshot.js'),
    ])
  const database = await context.database()
  const pepperOf = async (domainId: string) => (await openPepper(context, { mint: false })).pepperOf(domainId)
  const markers = await openMarkers(context)
  return {
    target: postgresRestoreTarget(database),
    snapshots: postgresSnapshots(database),
    mirrorAt: (url) => openMirror(context, url),
    locations,
    heads: await openRestoreHeads(context, chain),
    codec: await mirrorCodec(),
    hasher: nodeHasher,
    takeOver: (store, signal) => takeOverMarker(store, markers, signal),
    isForeign: (store, signal) => isForeign(store, markers, signal),
    pepperOf,
    platformActor: async () => ({
      domainId: PLATFORM_ANCHOR,
      actor: context.actor,
      pepper: await pepperOf(PLATFORM_ANCHOR),
    }),
  }
}
