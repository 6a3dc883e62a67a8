import { availableParallelism } from 'node:os'
import type { KnownChains } from '../ports/domains.js'
import type { CopyName, EntrySource } from '../ports/verify.js'
import type { Context } from './context.js'
import { mirrorCodec, openMirror } from './mirror.js'

/** Most threads for one chain. Each takes 35 MB. */
const MAX_THREADS = 4

interface SourceOptions {
  /** Whether the mirror must have this chain. */
  readonly isExpected?: boolean | undefined
  /** The mirror to read instead of the one that the Domain names. Without a URL: the default mirror. */
  readonly mirror?: { readonly url?: string | undefined }
}

/** Returns the source to verify a chain from. `mirror` needs no database; `both` reads the mirror that the Domain names. */
export async function openSource(
  context: Context,
  name: CopyName,
  domainId: string,
  { isExpected = false, mirror }: SourceOptions = {},
): Promise<EntrySource> {
  if (name === 'postgres') {
    const { PostgresSource } = await import('../repo/verify/postgres-source.js')
    return new PostgresSource(await context.database(), {
      threads: Math.min(availableParallelism(), MAX_THREADS),
      here: true,
    })
  }
  const [codec, { nodeHasher }] = await Promise.all([mirrorCodec(), import('../base/node-hasher.js')])
  if (name === 'mirror') {
    const { MirrorSource } = await import('../verify/mirror-source.js')
    return new MirrorSource(await openMirror(context, mirror?.url), codec, nodeHasher, { isExpected })
  }
  const [{ BothSource }, { postgresSnapshots }, { mirrorUrlOf }] = await Promise.all([
    import('../verify/both-source.js'),
    import('../repo/verify/postgres-snapshot.js'),
    import('../repo/query/domains.js'),
  ])
  const database = await context.database()
  const { url } = mirror ?? { url: await database.withClient((client) => mirrorUrlOf(client, domainId)) }
  return new BothSource(postgresSnapshots(database), await openMirror(context, url), codec, nodeHasher)
}

/** Returns every chain that the source mentions. */
export async function chainsKnownTo(
  context: Context,
  name: CopyName,
  signal: AbortSignal,
): Promise<KnownChains> {
  if (name === 'postgres') return knownChainsOf(context)
  const { mirrorChains, storedChains } = await import('../verify/mirror-chains.js')
  const mirror = [await openMirror(context), await mirrorCodec(), signal] as const
  if (name === 'mirror') return mirrorChains(...mirror)
  const known = await knownChainsOf(context)
  // A chain that PostgreSQL has lost completely is still in the mirror.
  const stored = await storedChains(...mirror)
  return { ...known, domainIds: [...new Set([...known.domainIds, ...stored])].sort() }
}

export async function knownChainsOf(context: Context): Promise<KnownChains> {
  const { knownChains } = await import('../repo/verify/known-chains.js')
  const { SNAPSHOT_BEGIN } = await import('../repo/session/snapshot.js')
  const database = await context.database()
  return database.withTransaction(SNAPSHOT_BEGIN, knownChains)
}
