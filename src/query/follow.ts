import { setTimeout as sleep } from 'node:timers/promises'
import { matches } from '../base/row-filter.js'
import type { EntryFilter, EntryReader, ReadEntry } from '../ports/query.js'

/** Rows that are read at once. */
const PAGE = 500

export interface Following {
  readonly domainId: string
  readonly filter: EntryFilter
  /** Only rows with a higher seq. */
  readonly after: number
  /**
   * Milliseconds to wait for a row that is missing between two others, before the row behind it is returned. Many uploads write to a
   * mirror at once; PostgreSQL commits the rows of a chain in order of seq, and needs no wait.
   */
  readonly patience: number
  /** Receives the first and the last seq of rows that were waited for in vain. */
  readonly onGap: (from: number, to: number) => void
}

/**
 * Reads the rows of one chain as they come, in order of seq and each once. Reads every row and applies the filter here, so that a row
 * that is committed or uploaded late is never passed over.
 */
export class ChainFollower {
  readonly #reader: EntryReader
  readonly #following: Following
  #last: number
  #gapSince: number | undefined

  constructor(reader: EntryReader, following: Following) {
    this.#reader = reader
    this.#following = following
    this.#last = following.after
  }

  /** Yields the rows that are there now and were not yielded before, in groups. */
  async *fresh(signal: AbortSignal): AsyncGenerator<readonly ReadEntry[]> {
    const { domainId, filter } = this.#following
    for (;;) {
      signal.throwIfAborted()
      const page = await this.#reader.page(domainId, {}, { after: this.#last, limit: PAGE })
      const rows = this.#inOrder(page)
      const matching = rows.filter((row) => isSelected(filter, row))
      if (matching.length > 0) yield matching
      if (rows.length < PAGE) return
    }
  }

  /** Returns the rows before the first gap that may still be filled. */
  #inOrder(page: readonly ReadEntry[]): readonly ReadEntry[] {
    const end = page.findIndex((row) => {
      if (!this.#mayPass(row.seq)) return true
      this.#last = row.seq
      return false
    })
    return end < 0 ? page : page.slice(0, end)
  }

  #mayPass(seq: number): boolean {
    if (seq > this.#last + 1) {
      this.#gapSince ??= performance.now()
      if (performance.now() - this.#gapSince < this.#following.patience) return false
      this.#following.onGap(this.#last + 1, seq - 1)
    }
    this.#gapSince = undefined
    return true
  }
}

/** Also compares the time of the event itself, which no copy but PostgreSQL has. */
function isSelected(filter: EntryFilter, row: ReadEntry): boolean {
  const { eventFrom: from, eventTo: to } = filter
  return matches(filter, row) && matches({ from, to }, { recordedAt: row.eventTime })
}

/**
 * Yields groups of rows of several chains as they come, until the signal aborts. Looks at each chain, and then waits `interval`
 * milliseconds. Rejects with the reason of the signal.
 */
export async function* followChains(
  followers: readonly ChainFollower[],
  interval: number,
  signal: AbortSignal,
): AsyncGenerator<readonly ReadEntry[]> {
  for (;;) {
    for (const follower of followers) yield* follower.fresh(signal)
    await sleep(interval, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

/** Returns the seq of the last row of a chain; 0 where there is none. */
export async function lastSeq(reader: EntryReader, domainId: string): Promise<number> {
  const [row] = await reader.page(domainId, {}, { after: 0, limit: 1, order: 'descending' })
  return row?.seq ?? 0
}
