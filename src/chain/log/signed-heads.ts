import type { ChainHead } from '../entry.js'
import type { ContextRow } from '../evidence/finding-evidence.js'
import { hashBytes } from '../hash.js'
import { microsOfTime, type RowTime } from '../row-time.js'

/** A signed head at whose seq a row was read. The fold compares, and does not judge: nobody has checked a signature yet. */
export interface SeenHead extends ChainHead {
  /** Whether a row with this seq has the hash. */
  readonly holds: boolean
  /** The entry_hash stored there; of several rows with that seq, the last one's. */
  readonly observed?: string | undefined
  /** recorded_at of the row after it, in microseconds since 1970; absent where no row that recomputes follows. */
  readonly nextAt?: bigint | undefined
  /** The rows around it, where it does not hold. */
  readonly context?: readonly ContextRow[] | undefined
}

interface Mark {
  readonly seq: number
  readonly hash: string
  isRead: boolean
  holds: boolean
  observed: string | undefined
}

/** Compares the rows of a chain with signed heads. */
export class SignedHeads {
  readonly #bySeq = new Map<number, Mark[]>()
  /** The seqs of the heads, ascending. */
  readonly #seqs: readonly number[]
  /** The place in #seqs of the first head that is not below the last row. */
  #at = 0
  /** The seq of the row that was passed last, where it is that of a head. */
  #passed: number | undefined
  /** The times of the rows after them. */
  readonly #times = new Map<number, RowTime>()

  constructor(heads: readonly ChainHead[] = []) {
    for (const { seq, hash } of heads) {
      const mark = { seq, hash, isRead: false, holds: false, observed: undefined }
      const marks = this.#bySeq.get(seq)
      if (marks === undefined) this.#bySeq.set(seq, [mark])
      else if (!marks.some((other) => other.hash === hash)) marks.push(mark)
    }
    this.#seqs = [...this.#bySeq.keys()].sort((one, other) => one - other)
  }

  check(seq: number, entryHash: string | undefined): void {
    if (this.#seqs.length === 0) return
    for (const mark of this.#bySeq.get(seq) ?? []) {
      this.#passed = seq
      mark.isRead = true
      mark.holds ||= entryHash === mark.hash
      mark.observed = entryHash
    }
  }

  /** Returns whether a head contradicts an intact row of ascending rows. `hash`: 32 characters of one byte each. */
  contradict(seq: number, hash: string): boolean {
    while (this.#at < this.#seqs.length && (this.#seqs[this.#at] as number) < seq) this.#at += 1
    if (this.#seqs[this.#at] !== seq) return false
    return (this.#bySeq.get(seq) ?? []).some((mark) => hashBytes(mark.hash) !== hash)
  }

  /** Takes an intact row that no head contradicts, with the halves of its time. */
  pass(seq: number, high: number, low: number): void {
    if (this.#passed !== undefined && this.#passed === seq - 1) this.#times.set(seq, { high, low })
    this.#passed = undefined
    if (this.#seqs[this.#at] !== seq) return
    for (const mark of this.#bySeq.get(seq) ?? []) {
      mark.isRead = true
      mark.holds = true
      mark.observed = mark.hash
    }
    this.#passed = seq
  }

  /** Takes the time of a row that recomputes. */
  time(seq: number, time: RowTime): void {
    if (this.#seqs.length > 0 && this.#bySeq.has(seq - 1)) this.#times.set(seq, time)
  }

  /** Returns the heads whose row was read, ascending by seq. Beyond `before`, another row with their seq may still come. */
  seen(before = Number.POSITIVE_INFINITY): SeenHead[] {
    return this.#seqs
      .flatMap((seq) => this.#bySeq.get(seq) ?? [])
      .filter((mark) => mark.isRead && (mark.holds || mark.seq < before))
      .map(({ seq, hash, holds, observed }) => {
        const time = this.#times.get(seq + 1)
        return { seq, hash, holds, observed, ...(time !== undefined && { nextAt: microsOfTime(time) }) }
      })
  }
}

/** Joins what the parts of a segment saw. A head at the border of two parts is seen by both. */
export function joinSeen(parts: readonly (readonly SeenHead[] | undefined)[]): SeenHead[] {
  const joined = new Map<string, SeenHead>()
  for (const seen of parts.flatMap((part) => part ?? [])) {
    const key = `${seen.seq}:${seen.hash}`
    const before = joined.get(key)
    if (before?.nextAt === undefined) joined.set(key, seen)
  }
  return [...joined.values()]
}
