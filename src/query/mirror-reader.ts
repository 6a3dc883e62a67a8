import { isUnfiltered, matches } from '../base/row-filter.js'
import type { MirrorCodec, MirrorStore } from '../ports/mirror.js'
import type {
  EntryFilter,
  EntryReader,
  PageRange,
  ReadEntry,
  RowsAhead,
  SeqRange,
  TimeOrder,
} from '../ports/query.js'
import { LATE_OBJECT_WAIT } from '../verify/late-objects.js'
import { MirrorChain } from './mirror-chain.js'
import { walk } from './mirror-walk.js'
import { hiddenRow, type ReadProblem } from './read-problem.js'

/** Objects that are read at once. */
const AHEAD = 64

export interface MirrorReaderDeps {
  readonly store: MirrorStore
  readonly codec: MirrorCodec
  readonly signal: AbortSignal
  /** Receives each row that could not be decoded and that a filter therefore leaves out. */
  readonly onProblem?: ((problem: ReadProblem) => void) | undefined
  /** Milliseconds to wait for uploads in flight where an object is missing. Default: as long as a verify waits. */
  readonly patience?: number | undefined
}

/**
 * Reads rows from a mirror. It needs no database, so a copy of the bucket is enough. An object that cannot be decoded is a
 * row with nothing but its seq. Rejects as a MirrorStore does.
 */
export class MirrorReader implements EntryReader {
  readonly #deps: MirrorReaderDeps

  constructor(deps: MirrorReaderDeps) {
    this.#deps = deps
  }

  async page(domainId: string, filter: EntryFilter, range: PageRange): Promise<readonly ReadEntry[]> {
    const { limit } = range
    // Without a filter, nothing behind the page is read, except the row that shows the link of the last one.
    const ahead = isUnfiltered(filter) ? Math.min(AHEAD, limit + 1) : AHEAD
    const rows: ReadEntry[] = []
    for await (const row of this.#rows(domainId, filter, range, ahead)) {
      rows.push(row)
      if (rows.length >= limit) break
    }
    return rows
  }

  stream(
    domainId: string,
    filter: EntryFilter,
    range: SeqRange,
    signal?: AbortSignal,
  ): AsyncIterable<ReadEntry> {
    return this.#rows(domainId, filter, range, AHEAD, signal)
  }

  async rowsAt(domainId: string, seq: number): Promise<readonly ReadEntry[]> {
    if ((await this.#chain(domainId).read(seq)) === undefined) return []
    return this.page(domainId, {}, { after: seq - 1, upTo: seq, limit: 1, order: 'descending' })
  }

  async countAhead(): Promise<RowsAhead> {
    return { rows: 0, after: 0n }
  }

  /** Every row is read and compared, so that the order of the times decides nothing. */
  async timeOrder(): Promise<TimeOrder> {
    return 'unverified'
  }

  async hasEventTimes(): Promise<boolean> {
    return false
  }

  knows(domainId: string): Promise<boolean> {
    return this.#chain(domainId).exists()
  }

  get copy(): EntryReader['copy'] {
    return { name: 'mirror', where: `the mirror ${this.#deps.store.url}` }
  }

  async *#rows(
    domainId: string,
    filter: EntryFilter,
    range: SeqRange,
    ahead: number,
    signal?: AbortSignal,
  ): AsyncGenerator<ReadEntry> {
    const pace = { ahead, patience: this.#deps.patience ?? LATE_OBJECT_WAIT }
    for await (const rows of walk(this.#chain(domainId), range, pace)) {
      signal?.throwIfAborted()
      for (const row of rows) {
        if (matches(filter, row)) yield row
        else this.#hide(row)
      }
    }
  }

  #hide(row: ReadEntry): void {
    const hidden = hiddenRow(row)
    if (hidden !== undefined) this.#deps.onProblem?.(hidden)
  }

  #chain(domainId: string): MirrorChain {
    const { store, codec, signal } = this.#deps
    return new MirrorChain(store, codec, domainId, signal)
  }
}
