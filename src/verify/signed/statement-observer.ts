import { decodeCanonical } from '../../chain/canonical.js'
import type { ByteRow } from '../../chain/fast-path.js'
import type { StoredRow } from '../../chain/fold.js'
import { LENGTH_BYTES, RELATION_AT } from '../../chain/layout.js'
import type { LogRow } from '../../chain/log/log-rows.js'
import { SIGNED_RELATION } from '../../chain/log/signed-row.js'
import type { RowObserver } from '../../ports/verify.js'

const RELATIONS: ReadonlySet<string> = new Set(Object.values(SIGNED_RELATION))
/** Every relation of signed rows begins so. */
const PREFIX = Buffer.from('audit.')

/** Collects the signed rows of the platform chain while they are verified. `next` receives the rows too. */
export class StatementObserver implements RowObserver {
  #rows: LogRow[] = []

  constructor(readonly next?: RowObserver) {}

  get rows(): readonly LogRow[] {
    return this.#rows
  }

  add(row: ByteRow): void {
    this.#take(row.seq, row.canonical)
    this.next?.add(row)
  }

  addStored(row: StoredRow): void {
    if (row.canonical !== undefined) this.#take(row.seq, row.canonical)
    this.next?.addStored(row)
  }

  restart(): void {
    this.#rows = []
    this.next?.restart()
  }

  #take(seq: number, canonical: Uint8Array): void {
    const at = RELATION_AT + LENGTH_BYTES
    if (!PREFIX.equals(canonical.subarray(at, at + PREFIX.length))) return
    const row = logRow(seq, canonical)
    if (row !== undefined) this.#rows.push(row)
  }
}

function logRow(seq: number, canonical: Uint8Array): LogRow | undefined {
  try {
    const { relation, object, relationPath } = decodeCanonical(canonical)
    return RELATIONS.has(relation) ? { seq, relation, object, relationPath } : undefined
  } catch {
    // The fold reports the row.
    return undefined
  }
}
