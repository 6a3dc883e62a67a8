import { readFile } from 'node:fs/promises'
import { type DomainClaims, namesOwnMirror } from '../base/domain-claims.js'
import { AuditError, errnoOf } from '../base/errors.js'
import { MirrorLocations, type MirrorMap, noMirrorGiven } from '../base/mirror-locations.js'
import type { Context } from './context.js'
import { defaultMirrorUrl, mirrorCodec, openMirror } from './mirror.js'

const located = new WeakMap<Context, Promise<MirrorLocations>>()

/**
 * Returns where the operator says that the mirrors are. Reads the map, and no database. Rejects with `file_unreadable`, with
 * `invalid_input` for a bad line, and with `usage` for an external database without any mirror.
 */
export function mirrorLocations(context: Context): Promise<MirrorLocations> {
  const locations = located.get(context) ?? readLocations(context)
  located.set(context, locations)
  return locations
}

async function readLocations(context: Context): Promise<MirrorLocations> {
  const { mirrorMap } = context.settings
  const map = mirrorMap === undefined ? undefined : await readMap(mirrorMap)
  const defaultUrl = defaultMirrorUrl(context)
  if (defaultUrl === undefined && map === undefined)
    throw new AuditError('usage', 'an external database needs a mirror', { advice: { code: 'name_mirror' } })
  // Rejects an invalid URL before a database is opened.
  const { parseMirrorUrl } = await import('../mirror/mirror-url.js')
  if (defaultUrl !== undefined) parseMirrorUrl(defaultUrl)
  return new MirrorLocations({ map, mapPath: mirrorMap, defaultUrl })
}

async function readMap(path: string): Promise<MirrorMap> {
  const { parseMirrorMap } = await import('../mirror/mirror-map.js')
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new AuditError('file_unreadable', `the mirror map ${path} cannot be read (${errnoOf(error)})`)
  })
  try {
    return parseMirrorMap(bytes)
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    throw new AuditError(error.code, `the mirror map ${path}: ${error.message}`, { cause: error })
  }
}

/** Returns what the records of a Domain in PostgreSQL claim. */
export async function claimsOf(context: Context, domainId: string): Promise<DomainClaims> {
  const { domainClaims } = await import('../repo/query/domain-claims.js')
  return (await context.database()).read((client) => domainClaims(client, domainId))
}

/** A Domain and what its records claim. */
interface ClaimingDomain {
  readonly domainId: string
  readonly claims: DomainClaims
}

/** Returns the error for a chain that the operator has given no mirror, with the line to add to the map. */
export async function notMapped(context: Context, { domainId, claims }: ClaimingDomain): Promise<AuditError> {
  if (!namesOwnMirror(claims)) return noMirrorGiven(domainId)
  const [{ creationRows }, { ownMirrorNotMapped, recordedMirror }, { nodeHasher }, { SNAPSHOT_BEGIN }] =
    await Promise.all([
      import('../repo/query/domain-claims.js'),
      import('../verify/domain-conflicts.js'),
      import('../base/node-hasher.js'),
      import('../repo/session/snapshot.js'),
    ])
  const database = await context.database()
  const rows = await database.withTransaction(SNAPSHOT_BEGIN, (client) => creationRows(client, domainId))
  const { defaultUrl } = await mirrorLocations(context)
  return ownMirrorNotMapped(domainId, recordedMirror(rows, nodeHasher), defaultUrl)
}

/**
 * Returns the mirror to compare a chain with: the one that the operator gives it; and for a Domain that names its own and
 * has no line, the default mirror where that holds objects of it. Rejects with `mirror_not_mapped`.
 */
export async function comparedMirrorUrl(
  context: Context,
  domain: ClaimingDomain,
  signal: AbortSignal,
): Promise<string> {
  const { domainId, claims } = domain
  const locations = await mirrorLocations(context)
  const url = locations.of({ domainId, namesOwn: namesOwnMirror(claims) })
  if (url !== undefined) return url
  const { defaultUrl } = locations
  if (defaultUrl !== undefined && (await holdsChain(context, defaultUrl, domainId, signal))) return defaultUrl
  throw await notMapped(context, domain)
}

async function holdsChain(
  context: Context,
  url: string,
  domainId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { holdsChain: holds } = await import('../verify/mirror/mapped-chains.js')
  return holds(await openMirror(context, url), await mirrorCodec(), domainId, signal)
}
