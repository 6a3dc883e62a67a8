import type { SeenRows } from '../../chain/evidence/evidence-log.js'
import { RECENT } from '../../chain/evidence/neighbours.js'
import { type PreviousRow, previousOf } from '../../chain/evidence/row-check.js'
import type { StoredRow } from '../../chain/fold.js'

/** The last rows of two copies that are read side by side. A row may be missing in one of them. */
export class RecentPairs {
  readonly #isFromStart: boolean
  #last: Readonly<Partial<Record<'postgres' | 'mirror', PreviousRow | undefined>>> = {}
  /** The last rows, oldest first, each with the row before it in its own copy. */
  rows: readonly SeenRows[] = []

  constructor(fromSeq: number) {
    this.#isFromStart = fromSeq <= 1
  }

  add(seq: number, rows: SeenRows['rows'], differs: boolean): void {
    const before = { postgres: this.#before(seq, 'postgres'), mirror: this.#before(seq, 'mirror') }
    const { postgres, mirror } = rows
    this.#last = {
      postgres: placeOf(postgres) ?? this.#last.postgres,
      mirror: placeOf(mirror) ?? this.#last.mirror,
    }
    this.rows = [...this.rows.slice(1 - RECENT), { seq, rows, before, differs }]
  }

  #before(seq: number, copy: 'postgres' | 'mirror'): PreviousRow | undefined {
    return previousOf(seq, this.#last[copy], { isFromStart: this.#isFromStart })
  }
}

function placeOf(row: StoredRow | undefined): PreviousRow | undefined {
  return row === undefined ? undefined : { seq: row.seq, entryHash: row.entryHash }
}
