import { setTimeout as sleep } from 'node:timers/promises'
import type { Hasher } from '../chain/hash.js'
import type { MirrorCodec, MirrorStore } from '../ports/mirror.js'
import type { EntrySource, Scan, ScanProgress, ScanRequest } from '../ports/verify.js'
import { LATE_OBJECT_WAIT, LateObjects } from './late-objects.js'
import { fetchRow, type ListedRow, streamObjects } from './object-stream.js'
import { OneCopy } from './one-copy.js'

export interface MirrorSourceOptions {
  /** Whether the caller knows that the chain must be in this mirror. */
  readonly isExpected?: boolean
  /** Milliseconds to wait for uploads in flight when an object is missing. */
  readonly patience?: number
}

/** A chain as its mirror holds it. It needs no database, so a copy of the bucket is enough. */
export class MirrorSource implements EntrySource {
  readonly name = 'mirror'
  /** A mirror only holds rows. If its newest objects were removed, only a pin or PostgreSQL shows it. */
  readonly keepsHead = false

  constructor(
    readonly store: MirrorStore,
    readonly codec: MirrorCodec,
    readonly hasher: Hasher,
    readonly options: MirrorSourceOptions = {},
  ) {}

  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const { isExpected = false, patience = LATE_OBJECT_WAIT } = this.options
    const scan = await this.#scan(request, progress, signal)
    if (scan.last !== undefined || !isExpected) return scan
    // The first row of a new Domain may reach the mirror after the platform chain's row about it.
    await sleep(patience, undefined, { signal })
    return this.#scan(request, progress, signal)
  }

  async #scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const copy = new OneCopy(request, this.hasher)
    for await (const object of this.#objects(request, copy, signal)) {
      copy.add(object)
      progress({ rows: copy.rows })
    }
    return { known: this.options.isExpected ?? false, ...copy.finish() }
  }

  #objects(
    { domainId, fromSeq, toSeq }: ScanRequest,
    copy: OneCopy,
    signal: AbortSignal,
  ): AsyncIterable<ListedRow> {
    // The row before the segment is read too: its hash is what the first row links to.
    const range = { domainId, fromSeq: fromSeq - 1, toSeq, onKey: (seq: number) => copy.list(seq) }
    const listed = streamObjects(this.store, this.codec, range, signal)
    const fetch = (seq: number) => fetchRow(this.store, this.codec, { domainId, seq }, signal)
    return new LateObjects(fetch, signal, this.options.patience).fill(listed, fromSeq, () => copy.listedEnd)
  }
}
