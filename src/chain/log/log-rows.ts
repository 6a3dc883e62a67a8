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

/**
 * The rows that were read of one log. Rows of keys with one content count once, so a copy of a row says nothing new. The other rows
 * are read when somebody asks for them, because a verifier uses few of them.
 */
export class LogRows {
  readonly #ofKeys = new Map<string, RowEntry<LogKeyRow>>()
  /** The rows with the relation of keys that are ordinary rows. */
  ordinaryKeys = 0
  readonly others: readonly LogRow[]
  readonly #read = new WeakMap<LogRow, RowEntry | 'ordinary'>()

  constructor(rows: readonly LogRow[]) {
    for (const row of rows) if (row.relation === SIGNED_RELATION.logKey) this.#addKeys(row)
    this.others = rows.filter(({ relation }) => relation !== SIGNED_RELATION.logKey)
  }

  get ofKeys(): readonly RowEntry<LogKeyRow>[] {
    return [...this.#ofKeys.values()]
  }

  /** Returns what a row says; undefined for an ordinary row. */
  find(row: LogRow): RowEntry | undefined {
    if (row.relation === SIGNED_RELATION.logKey) return this.#ofKeys.get(idOf(row))
    const read = this.#read.get(row) ?? entryOf(row) ?? 'ordinary'
    this.#read.set(row, read)
    return read === 'ordinary' ? undefined : read
  }

  /** Returns whether somebody has asked for a row that is no row of keys. */
  isRead(row: LogRow): boolean {
    return this.#read.has(row)
  }

  #addKeys(row: LogRow): void {
    const id = idOf(row)
    const known = this.#ofKeys.get(id)
    if (known !== undefined) {
      known.rows += 1
      if (row.seq !== undefined) known.seqs.push(row.seq)
      return
    }
    const entry = entryOf(row)
    if (entry === undefined) this.ordinaryKeys += 1
    else if (isOfKeys(entry)) this.#ofKeys.set(id, entry)
  }
}

function entryOf(row: LogRow): RowEntry | undefined {
  const parsed = parseSignedRow(row)
  if (parsed === undefined) return undefined
  const seqs = row.seq === undefined ? [] : [row.seq]
  return { row: parsed, seqs, rows: 1, ...(row.origin !== undefined && { origin: row.origin }) }
}

function isOfKeys(entry: RowEntry): entry is RowEntry<LogKeyRow> {
  return entry.row.relation === SIGNED_RELATION.logKey
}

function idOf({ relation, object, relationPath, origin }: LogRow): string {
  return JSON.stringify([origin, relation, object, ...relationPath])
}

/** Returns the key id in the last item of a signed row, without reading the row; undefined for most ordinary rows. */
export function lastKeyId(lastItem: string | undefined): string | undefined {
  return /^sig:([0-9a-f]{8}):/.exec(lastItem ?? '')?.[1]
}
