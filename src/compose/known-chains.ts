import { AuditError } from '../base/errors.js'
import type { MirrorLocations } from '../base/mirror-locations.js'
import { mirrorFailure } from '../base/store-failure.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { KnownChains } from '../ports/domains.js'
import type { CopyName, RowlessChain } from '../ports/verify.js'
import type { MappedChains } from '../verify/mirror/mapped-chains.js'
import type { Context } from './context.js'
import { mirrorLocations } from './location.js'
import { mirrorCodec, openMirror } from './mirror.js'

export async function knownChainsOf(context: Context): Promise<KnownChains> {
  const { knownChains } = await import('../repo/verify/known-chains.js')
  const { SNAPSHOT_BEGIN } = await import('../repo/session/snapshot.js')
  const database = await context.database()
  return database.withTransaction(SNAPSHOT_BEGIN, knownChains)
}

/** Returns the first chains of the database that have archive stamps and nothing else; none for a source without stamps. */
export async function rowlessChainsOf(
  context: Context,
  name: CopyName,
  known: readonly string[],
): Promise<readonly RowlessChain[]> {
  if (name === 'mirror') return []
  const { rowlessChains } = await import('../repo/verify/rowless-stamps.js')
  const { SNAPSHOT_BEGIN } = await import('../repo/session/snapshot.js')
  const database = await context.database()
  return database.withTransaction(SNAPSHOT_BEGIN, (client) => rowlessChains(client, known))
}

/** Returns the error of a source that mentions no chain. A mirror is not said to lack a Domain: it may be the wrong folder. */
export async function noChainKnownTo(
  context: Context,
  name: CopyName,
  signal: AbortSignal,
): Promise<AuditError> {
  if (name !== 'mirror')
    return new AuditError('nothing_to_verify', 'there is no chain', { advice: { code: 'create_domain' } })
  const [{ noChainIn }, { chosenMirror }] = await Promise.all([
    import('../verify/mirror/find-mirror.js'),
    import('./verify.js'),
  ])
  return noChainIn(await chosenMirror(context), await mirrorCodec(), signal)
}

/**
 * Returns every chain that the source mentions. A mirror that cannot be read is in `unread`, and keeps no chain of another
 * place from being judged.
 */
export async function chainsKnownTo(
  context: Context,
  name: CopyName,
  signal: AbortSignal,
): Promise<KnownChains> {
  if (name === 'postgres') return knownChainsOf(context)
  const locations = await mirrorLocations(context)
  const inMap = await chainsOfMap(context, locations, signal)
  const known =
    name === 'mirror'
      ? await chainsOfMirrors(context, locations, inMap, signal)
      : await chainsOfBoth(context, locations, inMap, signal)
  const domainIds = [...new Set([...known.domainIds, ...inMap.unread.keys()])].sort()
  return { ...known, domainIds, unread: new Map([...inMap.unread, ...(known.unread ?? [])]) }
}

async function chainsOfMap(
  context: Context,
  locations: MirrorLocations,
  signal: AbortSignal,
): Promise<MappedChains> {
  const { mappedChains } = await import('../verify/mirror/mapped-chains.js')
  const mirrorAt = (url: string) => openMirror(context, url)
  return mappedChains(locations, mirrorAt, await mirrorCodec(), signal)
}

/** A chain that PostgreSQL has lost completely is still in its mirror. */
async function chainsOfBoth(
  context: Context,
  locations: MirrorLocations,
  { found }: MappedChains,
  signal: AbortSignal,
): Promise<KnownChains> {
  const known = await knownChainsOf(context)
  const { defaultUrl } = locations
  if (defaultUrl === undefined) return { ...known, domainIds: [...known.domainIds, ...found] }
  const { storedChains } = await import('../verify/mirror/mirrored-chains.js')
  const store = await openMirror(context, defaultUrl)
  try {
    const stored = await storedChains(store, await mirrorCodec(), signal, new Set(known.domainIds))
    return { ...known, domainIds: [...known.domainIds, ...stored, ...found] }
  } catch (error) {
    const broken = mirrorFailure(error)
    if (broken === undefined || signal.aborted) throw error
    const unread = new Map([[defaultUrl, broken]])
    const doubts = [...(known.doubts ?? []), lostUnknown(broken)]
    return { ...known, domainIds: [...known.domainIds, ...found], doubts, unread }
  }
}

function lostUnknown({ code, message, advice, hint }: AuditError): AuditError {
  const problem = `a chain that PostgreSQL lost completely cannot be looked for: ${message}`
  return new AuditError(code, problem, { advice, hint })
}

/**
 * Returns the chains of the default mirror and of the map. A Domain with a line is looked for in the mirror of its line. Where
 * the default mirror was not given or cannot be read, the chains of the map are all that is known.
 */
async function chainsOfMirrors(
  context: Context,
  locations: MirrorLocations,
  { found }: MappedChains,
  signal: AbortSignal,
): Promise<KnownChains> {
  const { mirrorChains } = await import('../verify/mirror-chains.js')
  const codec = await mirrorCodec()
  const { defaultUrl } = locations
  const isMapped = (domainId: string) => locations.mapped(domainId) !== undefined
  try {
    const store = await openMirror(context, locations.ofChosen(PLATFORM_ANCHOR))
    return await mirrorChains(store, codec, signal, { isMapped, inMap: found })
  } catch (error) {
    if (signal.aborted || !(error instanceof AuditError)) throw error
    if (mirrorFailure(error) === undefined && error.code !== 'mirror_not_mapped') throw error
    const unread = new Map(defaultUrl === undefined ? [] : [[defaultUrl, error]])
    return { domainIds: found, registered: new Set(), created: new Set(), doubts: [error], unread }
  }
}
