import { nodeHasher } from '../../base/node-hasher.js'
import { ZERO_HASH } from '../../chain/hash.js'
import { domainOfObject, nameOfPath, SELF_AUDIT } from '../../chain/self-audit.js'
import type { ReadEntry } from '../../ports/query.js'
import type { Context } from '../context.js'
import type { StoredIn } from './names.js'

/** The name that a copy proves for a Domain, and the rows that give it. */
export interface ProvenName {
  readonly name: string
  readonly by: string
}

/** Returns the name in row 1 of a chain, where that row recomputes; undefined where the copy does not show one. */
export async function nameInGenesis(
  context: Context,
  from: StoredIn,
  domainId: string,
): Promise<ProvenName | undefined> {
  const row = await genesisIn(context, from, domainId)
  if (row === undefined || row.seq !== 1 || row.prevHash !== ZERO_HASH) return undefined
  const { recompute } = await import('../../query/recompute.js')
  if (recompute(row, nodeHasher).problem !== undefined) return undefined
  const { relation, object = '', relationPath = [] } = row
  const isOfChain = row.domainId === domainId && domainOfObject(object) === domainId
  const name = relation === SELF_AUDIT.chainCreate && isOfChain ? nameOfPath(relationPath) : undefined
  return name === undefined ? undefined : { name, by: 'row 1 of its chain says' }
}

async function genesisIn(
  context: Context,
  { source, path }: StoredIn,
  domainId: string,
): Promise<ReadEntry | undefined> {
  if (source === 'mirror') return genesisInMirror(context, domainId)
  if (source !== 'bundle' || path === undefined) return undefined
  const { isReadAgain } = await import('./names.js')
  if (!(await isReadAgain(path))) return undefined
  const { BundleReader } = await import('../../bundle/read/bundle-reader.js')
  const reader = await BundleReader.open(path, () => undefined)
  try {
    const [row] = await reader.page(domainId, {}, { after: 0, upTo: 1, limit: 1 })
    return row
  } finally {
    await reader.close()
  }
}

async function genesisInMirror(context: Context, domainId: string): Promise<ReadEntry | undefined> {
  const [{ MirrorChain }, { mirrorLocations }, { mirrorCodec, openMirror }] = await Promise.all([
    import('../../query/mirror-chain.js'),
    import('../location.js'),
    import('../mirror.js'),
  ])
  const store = await openMirror(context, (await mirrorLocations(context)).ofChosen(domainId))
  return new MirrorChain(store, await mirrorCodec(), domainId, context.signal).read(1)
}
