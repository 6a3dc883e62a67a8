import type { ChainHead } from '../entry.js'
import type { StoredRow } from '../fold.js'

/** The entry_hashes that pins demand, by seq. */
export class PinnedHashes {
  readonly #bySeq = new Map<number, Set<string>>()

  constructor(pins: readonly ChainHead[]) {
    for (const { seq, hash } of pins) this.#bySeq.set(seq, (this.#bySeq.get(seq) ?? new Set()).add(hash))
  }

  /** Returns whether a pin contradicts a row. */
  contradict({ seq, entryHash = '' }: Pick<StoredRow, 'seq' | 'entryHash'>): boolean {
    return this.#bySeq.get(seq)?.has(entryHash) === false
  }
}
