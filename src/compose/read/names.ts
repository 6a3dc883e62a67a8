import { nodeHasher } from '../../base/node-hasher.js'
import { isChainId } from '../../chain/uuid.js'
import type { SourceName } from '../../ports/verify.js'
import type { NamedDomain } from '../../query/choose-domain.js'
import type { Context } from '../context.js'
import { mirrorLocations } from '../location.js'
import { mirrorCodec } from '../mirror.js'
import { openDomainRegistry } from '../query.js'
import { chosenMirror } from '../verify.js'

/** Returns the Domains of the registry with their names. */
export async function namesOfRegistry(context: Context): Promise<NamedDomain[]> {
  const [{ streamDomains }, { registeredName }] = await Promise.all([
    import('../../query/domains.js'),
    import('../../query/choose-domain.js'),
  ])
  const domains: NamedDomain[] = []
  for await (const domain of streamDomains(await openDomainRegistry(context), () => undefined))
    domains.push(registeredName(domain))
  return domains
}

/** Domains, and rows of the platform chain, that are read for names beside ids. */
const MOST_ROWS = 10_000

/** Milliseconds for reading them from a mirror. */
const LONGEST_READ = 10_000

/**
 * Returns the names to print beside the ids of chains, by one read that has a limit: of the registry and the rows that name
 * Domains, or for `mirror` of the platform chain in the default mirror. Where there are more rows there are no names. Rejects
 * where they cannot be read.
 */
export async function namesBeside(
  context: Context,
  source: Exclude<SourceName, 'bundle'>,
  domainIds: readonly string[] | 'all',
): Promise<readonly NamedDomain[]> {
  if (source === 'mirror') {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(LONGEST_READ)])
    return (await namesOfMirror(context, signal, MOST_ROWS)) ?? []
  }
  return namesConfirmed(context, domainIds)
}

/** Returns the Domains of the registry, with a doubt about each name that not every row about it confirms. */
async function namesConfirmed(
  context: Context,
  domainIds: readonly string[] | 'all',
): Promise<readonly NamedDomain[]> {
  const [{ registeredName }, { withDamage }] = await Promise.all([
    import('../../query/choose-domain.js'),
    import('../../query/naming-rows.js'),
  ])
  const registry = await openDomainRegistry(context)
  const { domains, rows } = await registry.named(domainIds, MOST_ROWS)
  // Rows beyond the limit may be damaged, and a Domain may have one of them.
  if (rows.length === MOST_ROWS) return []
  return withDamage(domains.map(registeredName), rows, nodeHasher)
}

/** Throws the doubt about the name of a registered Domain. Reads and recomputes the rows that name it. */
export async function assertConfirmed(context: Context, domainId: string): Promise<void> {
  const [domain] = await namesConfirmed(context, [domainId])
  if (domain?.doubt !== undefined) throw domain.doubt
}

/**
 * Returns the names that the platform chain in the default mirror gives; undefined where that chain has a row above
 * `maxSeq`. Opens no database.
 */
export async function namesOfMirror(
  context: Context,
  signal: AbortSignal,
  maxSeq?: number,
): Promise<NamedDomain[] | undefined> {
  const { mirrorNames } = await import('../../query/mirror-names.js')
  const deps = { store: await chosenMirror(context), codec: await mirrorCodec(), hasher: nodeHasher }
  return mirrorNames(deps, signal, maxSeq)
}

/** Where the chains of a command are stored. `path` is that of a bundle. */
export interface StoredIn {
  readonly source: SourceName
  readonly path?: string | undefined
}

/** Returns the ids of the chains that the copies of a source hold, whether or not the platform chain records them. */
export async function storedIds(context: Context, { source, path }: StoredIn): Promise<string[]> {
  if (source === 'bundle') return path === undefined ? [] : idInBundle(path)
  if (source === 'mirror') return idsInMirrors(context)
  const ids = await idsInPostgres(context)
  return source === 'both' ? [...ids, ...(await idsInMirrors(context))] : ids
}

async function idsInPostgres(context: Context): Promise<string[]> {
  const { storedChainIds } = await import('../../repo/verify/known-chains.js')
  return (await context.database()).read(storedChainIds)
}

/** Returns the folders of the default mirror that have the form of a chain, and the Domains that have a line in the map. */
async function idsInMirrors(context: Context): Promise<string[]> {
  const { listed, defaultUrl } = await mirrorLocations(context)
  if (defaultUrl === undefined) return [...listed]
  const store = await chosenMirror(context)
  const folders = await store.folders((await mirrorCodec()).prefix(), context.signal)
  return [...listed, ...folders.filter(isChainId)]
}

/** Returns whether a file can be read once more. A pipe can be read only once. */
export async function isReadAgain(path: string): Promise<boolean> {
  const { stat } = await import('node:fs/promises')
  return stat(path).then(
    (found) => found.isFile(),
    () => true,
  )
}

async function idInBundle(path: string): Promise<string[]> {
  if (!(await isReadAgain(path))) return []
  const { openBundle } = await import('../../bundle/read/open-bundle.js')
  const { file, manifest } = await openBundle(path)
  await file.close()
  return [manifest.domain_id]
}
