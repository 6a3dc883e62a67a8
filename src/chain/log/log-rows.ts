import {
  type LogKeyRow,
  parseSignedRow,
  SIGNED_RELATION,
  type SignableRow,
  type SignedRow,
} from './signed-row.js'

/** A row that may be a signed row. */
export interface LogRow extends SignableRow {
  /** Its seq on the platform chain; absent for a key statement, which lies in a mirror. */
  readonly seq?: number | undefined
  /** The origin of the platform chain that a key statement names. */
  readonly origin?: string | undefined
}

/** The rows with one content. */
export interface RowEntry<Row extends SignedRow = SignedRow> {
  readonly row: Row
  /** Their seqs on the platform chain; none for a key statement. */
  readonly seqs: number[]
  /** The origin that a key statement names. */
  readonly origin?: string | undefined
  /** How many rows have this content. */
  rows: number
}

/** What was read of rows, so that it is read once. */
interface Memo {
  readonly read: WeakMap<LogRow, RowEntry | 'ordinary'>
  readonly ofKeys: Map<string, LogKeyRow>
  /** How many rows `read` has. */
  count: number
}

/**
 * The rows that were read of one log. Rows of keys with one content count once, so a copy of a row says nothing new. The other rows
 * are read when somebody asks for them, because a verifier uses few of them.
 */
export class LogRows {
  readonly #ofKeys = new Map<string, RowEntry<LogKeyRow>>()
  /** The rows with the relation of keys that are ordinary rows. */
  ordinaryKeys = 0
  readonly others: readonly LogRow[]
  readonly #memo: Memo

  /** `before` has read some of these rows already, which are not read again. */
  constructor(rows: readonly LogRow[], before?: LogRows) {
    this.#memo = before === undefined ? { read: new WeakMap(), ofKeys: new Map(), count: 0 } : before.#memo
    for (const row of rows) if (row.relation === SIGNED_RELATION.logKey) this.#addKeys(row)
    this.others = rows.filter(({ relation }) => relation !== SIGNED_RELATION.logKey)
  }

  /** How many rows that are no rows of keys were read. */
  get countRead(): number {
    return this.#memo.count
  }

  get ofKeys(): readonly RowEntry<LogKeyRow>[] {
    return [...this.#ofKeys.values()]
  }

  /** Returns what a row says; undefined for an ordinary row. */
  find(row: LogRow): RowEntry | undefined {
    if (row.relation === SIGNED_RELATION.logKey) return this.#ofKeys.get(idOf(row))
    const read = this.#memo.read.get(row) ?? this.#readNow(row)
    return read === 'ordinary' ? undefined : read
  }

  /** Returns whether somebody has asked for a row that is no row of keys. */
  isRead(row: LogRow): boolean {
    return this.#memo.read.has(row)
  }

  #readNow(row: LogRow): RowEntry | 'ordinary' {
    const read = entryOf(row) ?? 'ordinary'
    this.#memo.read.set(row, read)
    this.#memo.count += 1
    return read
  }

  #addKeys(row: LogRow): void {
    const id = idOf(row)
    const known = this.#ofKeys.get(id)
    if (known !== undefined) {
      known.rows += 1
      if (row.seq !== undefined) known.seqs.push(row.seq)
      return
    }
    const parsed = this.#memo.ofKeys.get(id) ?? parseSignedRow(row)
    if (parsed?.relation !== SIGNED_RELATION.logKey) {
      this.ordinaryKeys += 1
      return
    }
    this.#memo.ofKeys.set(id, parsed)
    this.#ofKeys.set(id, entryWith(parsed, row))
  }
}

function entryOf(row: LogRow): RowEntry | undefined {
  const parsed = parseSignedRow(row)
  return parsed === undefined ? undefined : entryWith(parsed, row)
}

function entryWith<Row extends SignedRow>(parsed: Row, { seq, origin }: LogRow): RowEntry<Row> {
  const seqs = seq === undefined ? [] : [seq]
  return { row: parsed, seqs, rows: 1, ...(origin !== undefined && { origin }) }
}

function idOf({ relation, object, relationPath, origin }: LogRow): string {
  return JSON.stringify([origin, relation, object, ...relationPath])
}

/** Returns the key id in the last item of a signed row, without reading the row; undefined for most ordinary rows. */
export function lastKeyId(lastItem: string | undefined): string | undefined {
  return /^sig:([0-9a-f]{8}):/.exec(lastItem ?? '')?.[1]
}
