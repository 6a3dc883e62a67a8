import { canonicalProblem } from '../chain/canonical-problem.js'
import type { ByteRow } from '../chain/fast-path.js'
import { type FindingCode, isLoss } from '../chain/finding.js'
import type { StoredRow } from '../chain/fold.js'
import { BEFORE_ALL_TIMES, isEarlier, type RowTime, timeHigh, timeLow } from '../chain/row-time.js'
import type { EntryFilter, EntryReader, TimeOrder } from '../ports/query.js'
import type { EntrySource, RowObserver } from '../ports/verify.js'

/** Returns whether a filter selects rows by the time of their recording. */
export function isByTime({ from, to }: Pick<EntryFilter, 'from' | 'to'>): boolean {
  return (from ?? to) !== undefined
}

/** Returns what is known of the order of the times, where rows are selected by time. */
export async function timeOrderFor(
  reader: EntryReader,
  domainId: string,
  filter: Pick<EntryFilter, 'from' | 'to'>,
): Promise<TimeOrder | undefined> {
  return isByTime(filter) ? reader.timeOrder(domainId) : undefined
}

/** Returns the order of several chains: as good as the worst of them. Returns undefined for none. */
export function worstOrder(orders: readonly (TimeOrder | undefined)[]): TimeOrder | undefined {
  return (['broken', 'unverified', 'verified'] as const).find((order) => orders.includes(order))
}

/** Returns whether a finding leaves the times of the rows that are there proven. */
function leavesTimes(code: FindingCode): boolean {
  return isLoss(code) || code === 'head_mismatch' || code === 'orphan_object'
}

/**
 * Recomputes every row of a chain and compares the times. Returns `broken` where a stored time is before an earlier one, `verified`
 * where none is and every row recomputes, and `unverified` where a row that does not recompute may have had another time.
 */
export async function verifiedOrder(
  source: EntrySource,
  domainId: string,
  signal: AbortSignal,
): Promise<TimeOrder> {
  const observer = new TimeWatch()
  const { fold, isCut } = await source.scan(
    { domainId, fromSeq: 1, pins: [], observer, readsArchive: false },
    () => undefined,
    signal,
  )
  if (observer.isBroken) return 'broken'
  const isProven = fold.findings.every(({ code }) => leavesTimes(code))
  return isProven && fold.unchecked === undefined && isCut !== true ? 'verified' : 'unverified'
}

/** Compares the stored time of each row with that of the row before. */
class TimeWatch implements RowObserver {
  isBroken = false
  #latest: RowTime = BEFORE_ALL_TIMES

  add({ canonical }: Pick<ByteRow, 'canonical'>): void {
    if (canonicalProblem(canonical) !== undefined) return
    const time = { high: timeHigh(canonical), low: timeLow(canonical) }
    if (isEarlier(time, this.#latest)) this.isBroken = true
    this.#latest = time
  }

  /** A time that is infinite or absent has no place in the order. */
  addStored({ canonical, problem }: StoredRow): void {
    if (canonical !== undefined) this.add({ canonical })
    else if (problem?.startsWith('recorded_at') === true) this.isBroken = true
  }

  restart(): void {
    this.isBroken = false
    this.#latest = BEFORE_ALL_TIMES
  }
}
