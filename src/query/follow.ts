import { setTimeout as sleep } from 'node:timers/promises'
import { matches } from '../base/row-filter.js'
import { MAX_UPLOADS_IN_FLIGHT } from '../ports/archive.js'
import type { EntryFilter, EntryReader, ReadEntry } from '../ports/query.js'
import { hiddenRow, type ReadProblem } from './read-problem.js'

/** Rows that are read at once. */
const PAGE = 500
/** Gaps that one look reads again. */
const GAPS_A_LOOK = 4

/** Seqs without a row. */
export interface SeqGap {
  readonly from: number
  readonly to: number
}

/** Where a chain ends when it begins to be followed. */
export interface FollowStart {
  /** The seq of the last row; 0 where there is none. */
  readonly last: number
  /** Rows before the last one that may still be on their way. */
  readonly missing: readonly SeqGap[]
}

/** Returns the end of a chain, and the gaps that uploads in flight may leave there. */
export async function followStart(reader: EntryReader, domainId: string): Promise<FollowStart> {
  const [row] = await reader.page(domainId, {}, { after: 0, limit: 1, order: 'descending' })
  if (row === undefined) return { last: 0, missing: [] }
  const last = row.seq
  const after = Math.max(0, last - MAX_UPLOADS_IN_FLIGHT)
  const rows = await reader.page(domainId, {}, { after, upTo: last, limit: MAX_UPLOADS_IN_FLIGHT })
  return { last, missing: without({ from: after + 1, to: last }, rows) }
}

export interface Following {
  readonly domainId: string
  readonly filter: EntryFilter
  /** Only rows with a higher seq, and the missing ones. */
  readonly after: number
  readonly missing?: readonly SeqGap[] | undefined
  /**
   * Milliseconds to wait for a row that is missing between two others, before the row behind it is returned. Many uploads write to a
   * mirror at once; PostgreSQL commits the rows of a chain in order of seq, and needs no wait.
   */
  readonly patience: number
  /** Receives the first and the last seq of rows that were waited for in vain. They are returned if they come later. */
  readonly onGap: (from: number, to: number) => void
  /** Receives each row that could not be compared with the filter. */
  readonly onProblem: (problem: ReadProblem) => void
}

/** A gap that was passed over. */
interface OpenGap extends SeqGap {
  readonly since: number
  readonly isReported: boolean
}

/**
 * Reads the rows of one chain as they come, in order of seq and each once. Reads every row and applies the filter here, so that a row
 * that is committed or uploaded late is never passed over. A row that comes after the wait for it has ended is returned when it comes.
 */
export class ChainFollower {
  readonly #reader: EntryReader
  readonly #following: Following
  #last: number
  #gapSince: number | undefined
  #gaps: OpenGap[]

  constructor(reader: EntryReader, following: Following) {
    this.#reader = reader
    this.#following = following
    this.#last = following.after
    const since = performance.now()
    this.#gaps = (following.missing ?? []).map((gap) => ({ ...gap, since, isReported: false }))
  }

  /** Yields the rows that are there now and were not yielded before, in groups. */
  async *fresh(signal: AbortSignal): AsyncGenerator<readonly ReadEntry[]> {
    const { domainId } = this.#following
    for (const gap of this.#gaps.splice(0, GAPS_A_LOOK)) {
      signal.throwIfAborted()
      const rows = await this.#reader.page(domainId, {}, { after: gap.from - 1, upTo: gap.to, limit: PAGE })
      this.#keep(gap, rows)
      yield* this.#selected(rows)
    }
    for (;;) {
      signal.throwIfAborted()
      const page = await this.#reader.page(domainId, {}, { after: this.#last, limit: PAGE })
      const rows = this.#inOrder(page)
      yield* this.#selected(rows)
      if (rows.length < PAGE) return
    }
  }

  /** Says that a row was returned by somebody else, who reads the rows before the end. */
  passed(row: Pick<ReadEntry, 'seq'>): void {
    this.#gaps = this.#gaps.flatMap((gap) => without(gap, [row]).map((rest) => ({ ...gap, ...rest })))
  }

  *#selected(rows: readonly ReadEntry[]): Generator<readonly ReadEntry[]> {
    const { filter, onProblem } = this.#following
    const matching = rows.filter((row) => {
      if (isSelected(filter, row)) return true
      const hidden = hiddenRow(row)
      if (hidden !== undefined) onProblem(hidden)
      return false
    })
    if (matching.length > 0) yield matching
  }

  /** Looks for the rest of a gap again, after the other gaps. */
  #keep(gap: OpenGap, rows: readonly ReadEntry[]): void {
    const isOver = performance.now() - gap.since >= this.#following.patience
    for (const rest of without(gap, rows)) {
      if (isOver && !gap.isReported) this.#following.onGap(rest.from, rest.to)
      this.#gaps.push({ ...rest, since: gap.since, isReported: gap.isReported || isOver })
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
      const since = this.#gapSince ?? performance.now()
      this.#gapSince = since
      if (performance.now() - since < this.#following.patience) return false
      const gap = { from: this.#last + 1, to: seq - 1 }
      this.#following.onGap(gap.from, gap.to)
      this.#gaps.push({ ...gap, since, isReported: true })
    }
    this.#gapSince = undefined
    return true
  }
}

/** Returns what remains of a gap without the rows, which are ascending. */
function without({ from, to }: SeqGap, rows: readonly Pick<ReadEntry, 'seq'>[]): SeqGap[] {
  const rest: SeqGap[] = []
  let next = from
  for (const { seq } of rows) {
    if (seq < next || seq > to) continue
    if (seq > next) rest.push({ from: next, to: seq - 1 })
    next = seq + 1
  }
  if (next <= to) rest.push({ from: next, to })
  return rest
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
