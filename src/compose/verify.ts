import { availableParallelism } from 'node:os'
import { AuditError } from '../base/errors.js'
import { mirrorFailure } from '../base/store-failure.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { IndexedMirror } from '../ports/mirror.js'
import type { CopyName, EntrySource } from '../ports/verify.js'
import type { Context } from './context.js'
import { claimsOf, comparedMirrorUrl, mirrorLocations } from './location.js'
import { mirrorJudge } from './marker.js'
import { mirrorCodec, openMirror } from './mirror.js'

/** Most threads for one chain. Each takes 35 MB. */
const MAX_THREADS = 4

interface SourceOptions {
  /** Whether the mirror must have this chain. */
  readonly isExpected?: boolean | undefined
  /** Why mirrors could not be read. See KnownChains. Given where every chain is verified. */
  readonly unread?: ReadonlyMap<string, AuditError> | undefined
  readonly signal: AbortSignal
}

/**
 * Returns the source to verify a chain from. `mirror` needs no database. Where the operator gave the chain no mirror, or the
 * mirror cannot be read, `both` judges PostgreSQL alone, and its verdict has the mirror's error as a doubt.
 */
export async function openSource(
  context: Context,
  name: CopyName,
  domainId: string,
  options: SourceOptions,
): Promise<EntrySource> {
  if (name === 'mirror') return openMirrorSource(context, domainId, options)
  const claims = await claimsOf(context, domainId)
  const [{ domainConflicts }, { DoubtedSource }] = await Promise.all([
    import('../verify/domain-conflicts.js'),
    import('../verify/doubted-source.js'),
  ])
  const conflicts = domainConflicts(domainId, claims)
  const postgres = await openPostgresSource(context)
  if (name === 'postgres') return new DoubtedSource(postgres, conflicts)
  const { signal, unread = new Map<string, AuditError>() } = options
  const known = unread.get(domainId)
  const url = known ?? (await comparedMirrorUrl(context, { domainId, claims }, signal).catch(asUnread))
  const mirror = typeof url === 'string' ? (unread.get(url) ?? url) : url
  if (typeof mirror !== 'string') return new DoubtedSource(postgres, [...conflicts, mirror])
  const { BothOrPostgres } = await import('../verify/mirror/unread-mirror.js')
  const both = await openBothSource(context, mirror, domainId)
  return new DoubtedSource(new BothOrPostgres(both, postgres), conflicts)
}

function asUnread(error: unknown): AuditError {
  if (error instanceof AuditError && error.code === 'mirror_not_mapped') return error
  const broken = mirrorFailure(error)
  if (broken === undefined) throw error
  return broken
}

async function openPostgresSource(context: Context): Promise<EntrySource> {
  const { PostgresSource } = await import('../repo/verify/postgres-source.js')
  return new PostgresSource(await context.database(), {
    threads: Math.min(availableParallelism(), MAX_THREADS),
    here: true,
    countsIndexes: true,
  })
}

async function openMirrorSource(
  context: Context,
  domainId: string,
  { isExpected = false, unread }: SourceOptions,
): Promise<EntrySource> {
  const [codec, { nodeHasher }, { MirrorSource }, locations] = await Promise.all([
    mirrorCodec(),
    import('../base/node-hasher.js'),
    import('../verify/mirror-source.js'),
    mirrorLocations(context),
  ])
  const url = locations.ofChosen(domainId)
  const broken = unread?.get(domainId) ?? unread?.get(url)
  if (broken !== undefined) throw broken
  const store = await openMirror(context, url)
  const isPlaceJudged = unread !== undefined && locations.mapped(domainId) !== undefined
  const judgeEmpty = isPlaceJudged ? await placeJudge(store, domainId) : undefined
  return new MirrorSource(store, codec, nodeHasher, { isExpected, judgeEmpty })
}

/** Returns what judges an empty place of the map: without a database, only its content shows whether it is a mirror. */
async function placeJudge(
  store: IndexedMirror,
  domainId: string,
): Promise<(signal: AbortSignal) => Promise<AuditError | undefined>> {
  const [{ emptyPlace }, { mirrorMarkers }, codec] = await Promise.all([
    import('../verify/mirror/empty-place.js'),
    import('../mirror/object/marker.js'),
    mirrorCodec(),
  ])
  return (signal) => emptyPlace(store, domainId, { codec, markers: mirrorMarkers }, signal)
}

async function openBothSource(context: Context, url: string, domainId: string): Promise<EntrySource> {
  const [codec, { nodeHasher }, { BothSource }, { postgresSnapshots }] = await Promise.all([
    mirrorCodec(),
    import('../base/node-hasher.js'),
    import('../verify/both-source.js'),
    import('../repo/verify/postgres-snapshot.js'),
  ])
  const snapshots = postgresSnapshots(await context.database(), { countsIndexes: true })
  const store = await openMirror(context, url)
  return new BothSource(snapshots, store, codec, nodeHasher, mirrorJudge(context, store, url, domainId))
}

/** Returns the mirror that the operator gave the chain, by default the one of the platform chain. */
export async function chosenMirror(context: Context, domainId = PLATFORM_ANCHOR): Promise<IndexedMirror> {
  const locations = await mirrorLocations(context)
  return openMirror(context, locations.ofChosen(domainId))
}
