import type { ClaimingChain, Mirrors } from '../archive/mirrors.js'
import type { ArchiveLedger, ArchiveQueue } from '../ports/archive.js'
import type { MirrorCodec } from '../ports/mirror.js'
import type { QuarantineStore } from '../ports/quarantine.js'
import type { SnapshotSource } from '../ports/verify.js'
import type { Context } from './context.js'
import { comparedMirrorUrl, mirrorLocations, notMapped } from './location.js'
import { mirrorCodec, type OnUnenforced, openMirror } from './mirror.js'
import { openQuarantineStore } from './quarantine.js'

/** What the archive commands work with. */
export interface Archive {
  readonly queue: ArchiveQueue
  readonly ledger: ArchiveLedger
  readonly snapshots: SnapshotSource
  readonly mirrors: Mirrors
  readonly codec: MirrorCodec
  readonly quarantine: QuarantineStore
}

/** What the archive commands do with a mirror. */
export type ArchiveUse =
  | {
      readonly kind: 'upload'
      /** Uploads in flight to each mirror, at most. */
      readonly concurrency: number
      /** Whether the operator gave the default mirror, by a flag, for the one Domain of this run. */
      readonly isChosen?: boolean | undefined
      readonly onUnenforced?: OnUnenforced | undefined
    }
  | { readonly kind: 'compare' }

/** Rejects with `usage` for an invalid URL of the default mirror, and for a bad map, before a database is opened. */
export async function openArchive(context: Context, use: ArchiveUse): Promise<Archive> {
  const locations = await mirrorLocations(context)
  const [{ Mirrors }, { postgresArchiveQueue }, { postgresArchiveLedger }, { postgresSnapshots }] =
    await Promise.all([
      import('../archive/mirrors.js'),
      import('../repo/archive/archive-queue.js'),
      import('../repo/archive/archive-ledger.js'),
      import('../repo/verify/postgres-snapshot.js'),
    ])
  const database = await context.database()
  const queue = postgresArchiveQueue(database)
  context.onClose(() => queue.close())
  return {
    queue,
    ledger: postgresArchiveLedger(database),
    snapshots: postgresSnapshots(database),
    mirrors: new Mirrors({
      open: (url) => openMirror(context, url, use.kind === 'upload' ? use.onUnenforced : undefined),
      locations,
      isChosen: use.kind === 'upload' && use.isChosen,
      otherwise: (chain) => otherMirrorUrl(context, chain, use),
      concurrency: use.kind === 'upload' ? use.concurrency : 1,
    }),
    codec: await mirrorCodec(),
    quarantine: await openQuarantineStore(context),
  }
}

/** An upload never goes to a mirror that the operator has not given the chain; a comparison may read the default mirror. */
async function otherMirrorUrl(context: Context, chain: ClaimingChain, use: ArchiveUse): Promise<string> {
  if (use.kind === 'upload') throw await notMapped(context, chain)
  return comparedMirrorUrl(context, chain, context.signal)
}
