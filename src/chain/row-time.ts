import { int32 } from './big-endian.js'
import { recordedAtOffset } from './layout.js'
import { formatTimestamp } from './timestamp.js'

/**
 * A row's recorded_at as two signed 32-bit numbers that order as the time does: `high` first, then `low`. The verifier
 * compares the times of every row, and a bigint for each would have to be allocated.
 */
export interface RowTime {
  readonly high: number
  readonly low: number
}

/** The upper bit, which turns the order of unsigned numbers into the order of signed ones. */
const SIGN = 0x8000_0000

/** Before every time that the format can hold. */
export const BEFORE_ALL_TIMES: RowTime = { high: -SIGN, low: -SIGN }

/** After every time that the format can hold. */
export const AFTER_ALL_TIMES: RowTime = { high: SIGN - 1, low: SIGN - 1 }

/** Returns the upper half of the recorded_at of well-formed canonical bytes. */
export function timeHigh(canonical: Uint8Array): number {
  return int32(canonical, recordedAtOffset(canonical.length))
}

/** Returns the lower half of the recorded_at of well-formed canonical bytes. */
export function timeLow(canonical: Uint8Array): number {
  return int32(canonical, recordedAtOffset(canonical.length) + 4) ^ SIGN
}

/** Returns the time of a number of microseconds since 1970-01-01T00:00:00Z. */
function rowTime(micros: bigint): RowTime {
  return { high: Number(BigInt.asIntN(32, micros >> 32n)), low: Number(BigInt.asIntN(32, micros)) ^ SIGN }
}

/** Returns microseconds since 1970-01-01T00:00:00Z. */
export function microsOfTime({ high, low }: RowTime): bigint {
  return (BigInt(high) << 32n) | BigInt((low ^ SIGN) >>> 0)
}

export function isEarlier(one: RowTime, other: RowTime): boolean {
  return one.high < other.high || (one.high === other.high && one.low < other.low)
}

/** Formats the time as RFC 3339. It must be the time of well-formed canonical bytes. */
export function rowTimeText(time: RowTime): string {
  return formatTimestamp(microsOfTime(time))
}

/** Microseconds by which a row may be ahead of the clock that it is compared with, because no two clocks agree. */
export const CLOCK_TOLERANCE = 60_000_000n

const SECOND = 1_000_000n

/** The part of a chain that is ahead of the clock. Every later row gets the time of its last row until the clock has caught up. */
export interface ClockAhead {
  /** The first row that is ahead. */
  readonly fromSeq: number
  /** Whole seconds that the latest row is ahead. */
  readonly seconds: number
}

/** Returns by how many whole seconds a time is ahead of the clock; undefined within the tolerance. */
export function secondsAhead(micros: bigint, now: bigint): number | undefined {
  return micros > now + CLOCK_TOLERANCE ? Number((micros - now) / SECOND) : undefined
}

/** Notes the rows that are ahead of the clock. Without a clock it notes none. */
export class ClockWatch {
  readonly #now: bigint
  /** Every later time is ahead of the clock; absent without a clock. */
  readonly limit: RowTime | undefined
  #fromSeq: number | undefined
  #latest = BEFORE_ALL_TIMES

  constructor(now: bigint | undefined) {
    this.#now = now ?? 0n
    this.limit = now === undefined ? undefined : rowTime(now + CLOCK_TOLERANCE)
  }

  note(seq: number, time: RowTime): void {
    if (this.limit === undefined || !isEarlier(this.limit, time)) return
    this.#fromSeq ??= seq
    if (isEarlier(this.#latest, time)) this.#latest = time
  }

  get ahead(): ClockAhead | undefined {
    if (this.#fromSeq === undefined) return undefined
    const seconds = Number((microsOfTime(this.#latest) - this.#now) / SECOND)
    return { fromSeq: this.#fromSeq, seconds }
  }
}
