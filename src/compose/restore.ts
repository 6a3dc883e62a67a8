import type { RestoreDeps } from '../restore/restore-deps.js'
import type { Context } from './context.js'
import { defaultMirrorUrl, mirrorCodec, openMirror } from './mirror.js'
import { openPepper } from './pepper.js'

/** What `archive restore` works with, apart from how it shows its progress. */
export async function openRestoreDeps(context: Context): Promise<Omit<RestoreDeps, 'runStep'>> {
  const [{ nodeHasher }, { postgresRestoreTarget }, { postgresSnapshots }] = await Promise.all([
    import('../base/node-hasher.js'),
    import('../repo/restore/restore.js'),
    import('../repo/verify/postgres-snapshot.js'),
  ])
  const database = await context.database()
  return {
    target: postgresRestoreTarget(database),
    snapshots: postgresSnapshots(database),
    mirrorAt: (url) => openMirror(context, url),
    defaultMirrorUrl: defaultMirrorUrl(context),
    codec: await mirrorCodec(),
    hasher: nodeHasher,
    pepperOf: async (domainId) => (await openPepper(context, { mint: false })).pepperOf(domainId),
  }
}
