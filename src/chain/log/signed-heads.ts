import type { ChainHead } from '../entry.js'
import type { ContextRow } from '../evidence/finding-evidence.js'

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
  /** The times of the rows after them. */
  readonly #times = new Map<number, bigint>()

  constructor(heads: readonly ChainHead[] = []) {
    for (const { seq, hash } of heads) {
      const marks = this.#bySeq.get(seq) ?? []
      if (marks.some((mark) => mark.hash === hash)) continue
      this.#bySeq.set(seq, [...marks, { seq, hash, isRead: false, holds: false, observed: undefined }])
    }
  }

  check(seq: number, entryHash: string | undefined): void {
    if (this.#bySeq.size === 0) return
    for (const mark of this.#bySeq.get(seq) ?? []) {
      mark.isRead = true
      mark.holds ||= entryHash === mark.hash
      mark.observed = entryHash
    }
  }

  /** Takes the time of a row that recomputes. `micros` is called for the row after a head. */
  time(seq: number, micros: () => bigint): void {
    if (this.#bySeq.size > 0 && this.#bySeq.has(seq - 1)) this.#times.set(seq, micros())
  }

  /** Returns the heads whose row was read, ascending by seq. Beyond `before`, another row with their seq may still come. */
  seen(before = Number.POSITIVE_INFINITY): SeenHead[] {
    const marks = [...this.#bySeq.values()]
      .flat()
      .filter((mark) => mark.isRead && (mark.holds || mark.seq < before))
    return marks
      .sort((one, other) => one.seq - other.seq)
      .map(({ seq, hash, holds, observed }) => {
        const nextAt = this.#times.get(seq + 1)
        return { seq, hash, holds, observed, ...(nextAt !== undefined && { nextAt }) }
      })
  }
}

/** Returns the seqs at which the fold must see the row: those of the heads, and the rows after them for their time. */
export function seqsOfHeads(heads: readonly ChainHead[] = []): number[] {
  return heads.flatMap(({ seq }) => [seq, seq + 1])
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
