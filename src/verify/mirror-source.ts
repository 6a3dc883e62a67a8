import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditError } from '../base/errors.js'
import { foundBefore } from '../base/store-failure.js'
import type { Hasher } from '../chain/hash.js'
import type { MirrorCodec, MirrorStore } from '../ports/mirror.js'
import type { EntrySource, Scan, ScanProgress, ScanRequest } from '../ports/verify.js'
import { LATE_OBJECT_WAIT, LateObjects } from './late-objects.js'
import { fetchRow, type ListedRow, streamObjects } from './object-stream.js'
import { OneCopy } from './one-copy.js'

export interface MirrorSourceOptions {
  /** Whether the caller knows that the chain must be in this mirror. */
  readonly isExpected?: boolean
  /** Returns why the place may not be the mirror, where it has no object of the chain. Absent: it is taken for the mirror. */
  readonly judgeEmpty?: ((signal: AbortSignal) => Promise<AuditError | undefined>) | undefined
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

  get mirror(): string {
    return this.store.url
  }

  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const scan = await this.#scan(request, progress, signal)
    if (!isEmpty(scan)) return scan
    const again = this.options.isExpected === true ? await this.#scanLater(request, progress, signal) : scan
    const error = isEmpty(again) ? await this.options.judgeEmpty?.(signal) : undefined
    if (error !== undefined) throw error
    return again
  }

  /** The first row of a new Domain may reach the mirror after the platform chain's row about it. */
  async #scanLater(
    request: ScanRequest,
    progress: (p: ScanProgress) => void,
    signal: AbortSignal,
  ): Promise<Scan> {
    await sleep(this.options.patience ?? LATE_OBJECT_WAIT, undefined, { signal })
    return this.#scan(request, progress, signal)
  }

  async #scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const copy = new OneCopy(request, this.hasher)
    const known = this.options.isExpected ?? false
    try {
      let total: number | undefined
      const onTotal = (names: number) => {
        total = rowsIn(request, names)
      }
      for await (const object of this.#objects(request, copy, onTotal, signal)) {
        copy.add(object)
        progress({ rows: copy.rows, total })
      }
    } catch (error) {
      return { known, ...foundBefore(error, (broken) => copy.finishAt(broken)) }
    }
    return { known, ...copy.finish() }
  }

  #objects(
    { domainId, fromSeq, toSeq }: ScanRequest,
    copy: OneCopy,
    onTotal: (names: number) => void,
    signal: AbortSignal,
  ): AsyncIterable<ListedRow> {
    // The row before the segment is read too: its hash is what the first row links to.
    const range = { domainId, fromSeq: fromSeq - 1, toSeq, onKey: (seq: number) => copy.list(seq), onTotal }
    const listed = streamObjects(this.store, this.codec, range, signal)
    const fetch = (seq: number) => fetchRow(this.store, this.codec, { domainId, seq }, signal)
    return new LateObjects(fetch, signal, this.options.patience).fill(listed, fromSeq, () => copy.listedEnd)
  }
}

/** Returns about how many rows of the segment a folder with so many names has, for the progress. */
function rowsIn({ fromSeq, toSeq }: ScanRequest, names: number): number {
  return Math.max(0, Math.min(toSeq ?? names, names) - fromSeq + 1)
}

function isEmpty({ last, isCut }: Scan): boolean {
  return last === undefined && isCut !== true
}
