import type { ByteRow, RowTaker } from '../chain/fast-path.js'
import type { StoredRow } from '../chain/fold.js'
import type { LastRow } from '../chain/head.js'
import { HASH_BYTES } from '../chain/layout.js'

/** Keeps the highest seq, and the hash of each row that has it. */
export class LastSeen implements RowTaker {
  #seq = Number.NEGATIVE_INFINITY
  #hashes: string[] = []
  /** The hash of a single row, as bytes: only the last row's hash is ever needed as text. */
  readonly #bytes = Buffer.alloc(HASH_BYTES)
  #isBytes = false

  add(row: ByteRow): void {
    if (row.seq <= this.#seq) {
      this.addStored(row.stored())
      return
    }
    for (let i = 0; i < HASH_BYTES; i += 1) this.#bytes[i] = row.bytes[row.entryAt + i] as number
    this.#seq = row.seq
    this.#hashes = []
    this.#isBytes = true
  }

  addStored({ seq, entryHash = '' }: StoredRow): void {
    if (seq < this.#seq) return
    this.#hashes = seq > this.#seq ? [entryHash] : [...this.#all(), entryHash]
    this.#seq = seq
    this.#isBytes = false
  }

  /** The last row; absent where there was none. */
  get last(): LastRow | undefined {
    return this.#seq === Number.NEGATIVE_INFINITY ? undefined : { seq: this.#seq, hashes: this.#all() }
  }

  #all(): string[] {
    return this.#isBytes ? [this.#bytes.toString('hex')] : this.#hashes
  }
}
