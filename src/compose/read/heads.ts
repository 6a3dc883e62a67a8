import { AuditError } from '../../base/errors.js'
import { mirrorFailure } from '../../base/store-failure.js'
import type { MirrorStore } from '../../ports/mirror.js'
import type { CopyName } from '../../ports/verify.js'
import type { HeadReader, HeadReaderDeps } from '../../verify/signed/head-reader.js'
import type { Context } from '../context.js'
import { claimsOf, comparedMirrorUrl, mirrorLocations } from '../location.js'
import { openMirror } from '../mirror.js'
import { keyRootOf, policyIn } from '../sign/key-root.js'

/**
 * Reads the signed heads of one chain, or of all, that a verify of this source uses, before a chain is read. With the source
 * `mirror` no database is opened. Rejects as `keyRootOf` does, and with the errors of the database.
 */
export async function openHeads(
  context: Context,
  source: CopyName,
  chain: string,
  signal: AbortSignal,
): Promise<HeadReader> {
  const [{ HeadReader }, keys] = await Promise.all([
    import('../../verify/signed/head-reader.js'),
    keysAndTools(context),
  ])
  const statements = source === 'mirror' ? undefined : await statementsOf(context)
  const mirrorOf =
    source === 'postgres'
      ? undefined
      : (domainId: string) => mirrorOfChain(context, source, domainId, signal).catch(asNoMirror)
  return HeadReader.open({ ...keys, statements, mirrorOf }, chain)
}

/** Returns a reader for an evidence file: it knows the keys of the policy and the home, and reads no statement. */
export async function openFileHeads(context: Context): Promise<HeadReader> {
  const { HeadReader } = await import('../../verify/signed/head-reader.js')
  return HeadReader.open(await keysAndTools(context), 'all')
}

/** Returns the keys that a verifier takes, and what it checks signatures with. */
async function keysAndTools(context: Context): Promise<Pick<HeadReaderDeps, 'root' | 'tools'>> {
  const [{ nodeHasher }, { nodeTreeHasher }, { verifyEd25519 }, root, policy] = await Promise.all([
    import('../../base/node-hasher.js'),
    import('../../base/crypto/node-tree-hasher.js'),
    import('../../base/crypto/node-ed25519.js'),
    keyRootOf(context),
    policyIn(context),
  ])
  const hashers = { hasher: nodeHasher, treeHasher: nodeTreeHasher }
  return { root, tools: { ...hashers, verify: verifyEd25519, witnesses: policy?.witnesses } }
}

async function statementsOf(context: Context) {
  const { postgresStatements } = await import('../../repo/heads/statement-store.js')
  return postgresStatements(await context.database())
}

async function mirrorOfChain(
  context: Context,
  source: CopyName,
  domainId: string,
  signal: AbortSignal,
): Promise<MirrorStore> {
  if (source === 'mirror') return openMirror(context, (await mirrorLocations(context)).ofChosen(domainId))
  const claims = await claimsOf(context, domainId)
  return openMirror(context, await comparedMirrorUrl(context, { domainId, claims }, signal))
}

/** The scan of the chain reports that it has no mirror, or that the mirror cannot be read. */
function asNoMirror(error: unknown): undefined {
  const isKnown =
    error instanceof AuditError && (error.code === 'mirror_not_mapped' || error.code === 'usage')
  if (isKnown || mirrorFailure(error) !== undefined) return undefined
  throw error
}
