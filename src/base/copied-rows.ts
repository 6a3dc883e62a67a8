import type { ByteRow, RowTaker } from '../chain/fast-path.js'
import type { StoredRow } from '../chain/fold.js'

/** Collects rows with bytes of their own, from a source that reuses its buffers. */
export class CopiedRows implements RowTaker {
  #rows: StoredRow[] = []

  add(row: ByteRow): void {
    this.#rows.push({ ...row.stored(), canonical: Uint8Array.from(row.canonical) })
  }

  addStored(row: StoredRow): void {
    this.#rows.push(row)
  }

  /** Leaves out a line of a bundle that is not a row. */
  addMalformed(): void {}

  /** Returns the rows since the last call. */
  take(): StoredRow[] {
    const rows = this.#rows
    this.#rows = []
    return rows
  }
}
