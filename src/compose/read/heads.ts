import { AuditError } from '../../base/errors.js'
import { mirrorFailure } from '../../base/store-failure.js'
import type { HeadsOf } from '../../ports/log/heads.js'
import type { MirrorStore } from '../../ports/mirror.js'
import type { CopyName } from '../../ports/verify.js'
import type { Database } from '../../repo/session/database.js'
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

/**
 * Reads the signed heads that a restore of one chain, or of all, uses: those in PostgreSQL, and those in the mirror that the operator
 * gives the chain.
 */
export async function openRestoreHeads(context: Context, chain: string): Promise<HeadReader> {
  const [{ HeadReader }, keys, statements] = await Promise.all([
    import('../../verify/signed/head-reader.js'),
    keysAndTools(context),
    statementsOf(context),
  ])
  const mirrorOf = (domainId: string) => givenMirror(context, domainId).catch(asNoMirror)
  return HeadReader.open({ ...keys, statements, mirrorOf }, chain)
}

/** Returns a reader for an evidence file: it knows the keys of the policy and the home, and reads no statement. */
export async function openFileHeads(context: Context): Promise<HeadReader> {
  const { HeadReader } = await import('../../verify/signed/head-reader.js')
  return HeadReader.open(await keysAndTools(context), 'all')
}

/** How long the probe uses the signed heads that it has read, in milliseconds. */
const HEADS_AGE = 60_000

/**
 * Returns what reads the signed heads in PostgreSQL for a server: of one chain for each request, and for the probe of all chains at
 * once, which it then uses for a minute, because it verifies many segments. Without a policy and a home's log.vkey there are none: on
 * a log that was never enrolled, everybody who may append could write the first key row. Rejects with the errors of the policy, which is
 * read now.
 */
export async function openServerHeads(
  context: Context,
  database: Database,
): Promise<{ readonly ofRequest: HeadsOf; readonly ofProbe: HeadsOf }> {
  await keyRootOf(context)
  const [{ HeadReader }, { cachedHeads }, { postgresStatements }] = await Promise.all([
    import('../../verify/signed/head-reader.js'),
    import('../../verify/signed/cached-heads.js'),
    import('../../repo/heads/statement-store.js'),
  ])
  const statements = postgresStatements(database)
  // The home may get its log.vkey while the server runs.
  const open = async (chain: string, before?: HeadReader) => {
    const keys = await keysAndTools(context)
    return HeadReader.open(keys.root.by === 'log' ? keys : { ...keys, statements }, chain, before)
  }
  return {
    ofRequest: async (domainId, signal) => (await open(domainId)).of(domainId, signal),
    ofProbe: cachedHeads((before) => open('all', before), HEADS_AGE),
  }
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
  if (source === 'mirror') return givenMirror(context, domainId)
  const claims = await claimsOf(context, domainId)
  return openMirror(context, await comparedMirrorUrl(context, { domainId, claims }, signal))
}

async function givenMirror(context: Context, domainId: string): Promise<MirrorStore> {
  return openMirror(context, (await mirrorLocations(context)).ofChosen(domainId))
}

/** The scan of the chain reports that it has no mirror, or that the mirror cannot be read. */
function asNoMirror(error: unknown): undefined {
  const isKnown =
    error instanceof AuditError && (error.code === 'mirror_not_mapped' || error.code === 'usage')
  if (isKnown || mirrorFailure(error) !== undefined) return undefined
  throw error
}
