import { foundBefore } from '../base/store-failure.js'
import type { Hasher } from '../chain/hash.js'
import type { MirrorCodec, MirrorStore } from '../ports/mirror.js'
import type {
  EntrySource,
  RowSnapshot,
  Scan,
  ScanProgress,
  ScanRequest,
  SnapshotSource,
} from '../ports/verify.js'
import { withEmptyMirror } from './empty-mirror.js'
import { type JudgeMirror, withMirrorDoubt } from './marker-doubt.js'
import { streamObjects } from './object-stream.js'
import { pairUp } from './pair-up.js'
import { TwoCopies } from './two-copies.js'

/** How many objects beyond the snapshot PostgreSQL is asked about in one query. */
const FRESH = 1000

/**
 * Both copies of a chain, side by side. PostgreSQL is read first, in one snapshot, and the mirror after it. A row that the
 * snapshot calls archived was uploaded before, so its object must be in the mirror. Rows that were appended after the
 * snapshot are not compared: an object beyond the snapshot is a finding only if PostgreSQL, asked again, still has no row.
 */
export class BothSource implements EntrySource {
  readonly name = 'both'
  readonly keepsHead = true

  constructor(
    readonly postgres: SnapshotSource,
    readonly store: MirrorStore,
    readonly codec: MirrorCodec,
    readonly hasher: Hasher,
    /** Absent: the place is known to be the mirror. */
    readonly judgeMirror?: JudgeMirror | undefined,
  ) {}

  get mirror(): string {
    return this.store.url
  }

  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const snapshot = await this.postgres.snapshot(request, signal)
    try {
      const scan = await this.#compare(request, snapshot, progress, signal)
      const doubted =
        this.judgeMirror === undefined ? scan : await withMirrorDoubt(scan, this.judgeMirror, signal)
      return await withEmptyMirror(doubted, request.domainId, this.store, this.codec, signal)
    } finally {
      await snapshot.close()
    }
  }

  async #compare(
    request: ScanRequest,
    snapshot: RowSnapshot,
    progress: (p: ScanProgress) => void,
    signal: AbortSignal,
  ): Promise<Scan> {
    const range = { ...request, fromSeq: request.fromSeq - 1 }
    const objects = streamObjects(this.store, this.codec, range, signal)
    const copies = new TwoCopies(request, snapshot, this.hasher)
    try {
      for await (const pair of pairUp(snapshot.rows(), objects)) {
        copies.add(pair)
        if (copies.fresh.length === FRESH) await this.#judgeFresh(request.domainId, copies)
        progress({ rows: copies.rows, total: snapshot.last?.seq })
      }
      await this.#judgeFresh(request.domainId, copies)
    } catch (error) {
      return foundBefore(error, (broken) => copies.finishAt(broken))
    }
    const indexes = await snapshot.checkIndexes()
    const scan = copies.finish()
    if (indexes === undefined) return scan
    return { ...scan, doubts: [...(scan.doubts ?? []), ...indexes.doubts], uncounted: indexes.uncounted }
  }

  async #judgeFresh(domainId: string, copies: TwoCopies): Promise<void> {
    if (copies.fresh.length === 0) return
    const seqs = copies.fresh.map(({ seq }) => seq)
    copies.judgeFresh(await this.postgres.present(domainId, seqs))
  }
}
