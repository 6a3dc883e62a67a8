import type { KeyRoot } from '../../chain/log/key-book.js'
import type { ProofSource } from '../../ports/proof.js'
import type { ProofDeps } from '../../proof/make-proof.js'
import type { Context } from '../context.js'
import { mirrorLocations } from '../location.js'
import { mirrorCodec, openMirror } from '../mirror.js'
import { PROOF_TOOLS } from './proof.js'

/** Opens what the proof of a row is made from. No database is opened for a mirror. */
export async function openProofDeps(
  context: Context,
  from: { readonly source: 'postgres' | 'mirror'; readonly domainId: string },
): Promise<ProofDeps> {
  const source = from.source === 'postgres' ? await openPostgres(context) : await openCopy(context, from)
  return { ...PROOF_TOOLS, source, roots: await rootsOf(context) }
}

async function openPostgres(context: Context): Promise<ProofSource> {
  const { postgresProofSource } = await import('../../repo/proof/proof-source.js')
  return postgresProofSource(await context.database())
}

async function openCopy(context: Context, { domainId }: { readonly domainId: string }): Promise<ProofSource> {
  const [{ MirrorProofSource }, { MirrorReader }, locations, codec] = await Promise.all([
    import('../../proof/mirror-source.js'),
    import('../../query/mirror-reader.js'),
    mirrorLocations(context),
    mirrorCodec(),
  ])
  const { signal } = context
  const store = await openMirror(context, locations.ofChosen(domainId))
  return new MirrorProofSource({ store, reader: new MirrorReader({ store, codec, signal }), signal })
}

/** A copy of another log may lie beside the home of this one, so the keys of the log itself are tried too. */
async function rootsOf(context: Context): Promise<readonly KeyRoot[]> {
  const { keyRootOf } = await import('../sign/key-root.js')
  const root = await keyRootOf(context)
  return root.by === 'home' ? [root, { by: 'log', keys: [] }] : [root]
}
