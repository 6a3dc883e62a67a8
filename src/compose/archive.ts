import type { Mirrors } from '../archive/mirrors.js'
import type { ArchiveLedger, ArchiveQueue } from '../ports/archive.js'
import type { MirrorCodec } from '../ports/mirror.js'
import type { QuarantineStore } from '../ports/quarantine.js'
import type { SnapshotSource } from '../ports/verify.js'
import type { Context } from './context.js'
import { defaultMirrorUrl, mirrorCodec, openMirror } from './mirror.js'
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

/**
 * `concurrency` is the number of uploads in flight to each mirror, at most. Rejects with `usage` for an invalid URL of the
 * default mirror before a database is opened.
 */
export async function openArchive(context: Context, concurrency: number): Promise<Archive> {
  const defaultUrl = defaultMirrorUrl(context)
  await openMirror(context, defaultUrl)
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
    mirrors: new Mirrors({ open: (url) => openMirror(context, url), defaultUrl, concurrency }),
    codec: await mirrorCodec(),
    quarantine: await openQuarantineStore(context),
  }
}
