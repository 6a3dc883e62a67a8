import { bytesToHex } from '@noble/hashes/utils.js'
import { bufferOf } from '../base/buffer-of.js'
import { int32 } from '../chain/big-endian.js'
import { LENGTH_BYTES, PSEUDONYM_AT, PSEUDONYM_BYTES, RELATION_AT } from '../chain/layout.js'
import { REASONS } from '../chain/reason.js'
import { timeHigh, timeLow } from '../chain/row-time.js'
import { Counts, type TopCounts } from './counts.js'
import { Timeline, type TimelineBars } from './timeline.js'

/** What the rows of a report have in common. */
export interface TallyResult {
  /** Rows of the selection, the unreadable ones included. */
  readonly rows: number
  /** Rows whose reason is not `granted`. An unreadable row has none, and is not one of these. */
  readonly denied: number
  /** Rows that have no fields to count, because they are damaged. */
  readonly unreadable: number
  /** Unreadable rows that are not in the selection, because it has a condition. */
  readonly leftOut: number
  /** Rows by reason, in the order of REASONS. */
  readonly reasons: readonly number[]
  readonly relations: TopCounts
  readonly objects: TopCounts
  /** The values are pseudonyms: 64 hex digits. */
  readonly subjects: TopCounts
  readonly timeline: TimelineBars
}

/** How many values of a field, and how many bars, a report shows. */
export interface TallyLimits {
  readonly top: number
  readonly bars: number
}

/** 2^32 µs and the offset of the signed lower half (chain/row-time.ts), in seconds. */
const HIGH_SECONDS = 2 ** 32 / 1e6
const SIGN = 2 ** 31

/**
 * Counts rows from their canonical bytes. Texts are cut from the bytes as latin1, one character per byte, and decoded at
 * the end: decoding every row would take longer than verifying it.
 */
export class Tally {
  #rows = 0
  #unreadable = 0
  #leftOut = 0
  readonly #reasons = REASONS.map(() => 0)
  readonly #relations = new Counts()
  readonly #objects = new Counts()
  readonly #subjects = new Counts()
  readonly #timeline = new Timeline()

  /** Adds the canonical bytes of a row that canonicalProblem accepts. */
  add(canonical: Uint8Array): void {
    const bytes = bufferOf(canonical)
    const relationFrom = RELATION_AT + LENGTH_BYTES
    const relationTo = relationFrom + int32(canonical, RELATION_AT)
    const objectFrom = relationTo + LENGTH_BYTES
    const objectTo = objectFrom + int32(canonical, relationTo)
    const ordinal = canonical[objectTo] ?? 0
    const isDenied = ordinal !== 1
    this.#rows += 1
    this.#reasons[ordinal - 1] = (this.#reasons[ordinal - 1] ?? 0) + 1
    this.#relations.add(bytes.toString('latin1', relationFrom, relationTo), isDenied)
    this.#objects.add(bytes.toString('latin1', objectFrom, objectTo), isDenied)
    this.#subjects.add(bytes.toString('latin1', PSEUDONYM_AT, PSEUDONYM_AT + PSEUDONYM_BYTES), isDenied)
    this.#timeline.add(timeHigh(canonical) * HIGH_SECONDS + (timeLow(canonical) + SIGN) / 1e6, isDenied)
  }

  /** Adds a damaged row that has no fields. */
  addUnreadable(): void {
    this.#rows += 1
    this.#unreadable += 1
  }

  /** Counts a damaged row that has no fields, and so is not in a selection with a condition. */
  leaveOut(): void {
    this.#leftOut += 1
  }

  result({ top, bars }: TallyLimits): TallyResult {
    const [granted = 0] = this.#reasons
    return {
      rows: this.#rows,
      denied: this.#rows - granted - this.#unreadable,
      unreadable: this.#unreadable,
      leftOut: this.#leftOut,
      reasons: [...this.#reasons],
      relations: decoded(this.#relations.top(top), utf8Of),
      objects: decoded(this.#objects.top(top), utf8Of),
      subjects: decoded(this.#subjects.top(top), hexOf),
      timeline: this.#timeline.bars(bars),
    }
  }
}

function decoded(counts: TopCounts, decode: (value: string) => string): TopCounts {
  return { ...counts, top: counts.top.map((count) => ({ ...count, value: decode(count.value) })) }
}

function utf8Of(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

function hexOf(latin1: string): string {
  return bytesToHex(Buffer.from(latin1, 'latin1'))
}
