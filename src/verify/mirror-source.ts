import { setTimeout as sleep } from 'node:timers/promises'
import type { Hasher } from '../chain/hash.js'
import type { MirrorCodec, MirrorStore } from '../ports/mirror.js'
import type { EntrySource, Scan, ScanProgress, ScanRequest } from '../ports/verify.js'
import { LateObjects, PATIENCE } from './late-objects.js'
import { fetchRow, type ListedRow, streamObjects } from './object-stream.js'
import { OneCopy } from './one-copy.js'

export interface MirrorSourceOptions {
  /** Something else says that the chain must be in this mirror. */
  readonly isExpected?: boolean
  /** Milliseconds that uploads under way are waited for where something is missing. */
  readonly patience?: number
}

/** A chain as its mirror holds it: needs no database, so a copy of the bucket is enough. */
export class MirrorSource implements EntrySource {
  readonly name = 'mirror'
  /** A mirror holds rows alone. That its newest objects were removed shows against a pin, or against Postgres. */
  readonly keepsHead = false

  constructor(
    readonly store: MirrorStore,
    readonly codec: MirrorCodec,
    readonly hasher: Hasher,
    readonly options: MirrorSourceOptions = {},
  ) {}

  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const { isExpected = false, patience = PATIENCE } = this.options
    const scan = await this.#scan(request, progress, signal)
    if (scan.last !== undefined || !isExpected) return scan
    // A Domain that was just created: its own first row may come to the mirror after the one on the platform chain.
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
    const range = { domainId, fromSeq: fromSeq - 1, toSeq, onKey: (seq: number) => copy.list(seq) }
    const listed = streamObjects(this.store, this.codec, range, signal)
    const fetch = (seq: number) => fetchRow(this.store, this.codec, { domainId, seq }, signal)
    return new LateObjects(fetch, signal, this.options.patience).fill(listed, fromSeq, () => copy.listedEnd)
  }
}
