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
  /** The content as text. */
  readonly id: string
  readonly row: Row
  /** Their seqs on the platform chain; none for a key statement. */
  readonly seqs: number[]
  /** The origin that a key statement names. */
  readonly origin?: string | undefined
  /** How many rows have this content. */
  rows: number
}

/** The rows that were read of one log. Rows with one content count once, so a copy of a row says nothing new. */
export class LogRows {
  readonly #entries = new Map<string, RowEntry>()
  /** How many ordinary rows each relation of signed rows has. */
  readonly ordinary = new Map<string, number>()

  static read(rows: readonly LogRow[]): LogRows {
    const read = new LogRows()
    for (const row of rows) read.#add(row)
    return read
  }

  get all(): readonly RowEntry[] {
    return [...this.#entries.values()]
  }

  get ofKeys(): readonly RowEntry<LogKeyRow>[] {
    return this.all.filter(isOfKeys)
  }

  find(row: LogRow): RowEntry | undefined {
    return this.#entries.get(idOf(row))
  }

  #add(row: LogRow): void {
    const id = idOf(row)
    const entry = this.#entries.get(id) ?? this.#read(id, row)
    if (entry === undefined) return
    entry.rows += 1
    if (row.seq !== undefined) entry.seqs.push(row.seq)
  }

  #read(id: string, row: LogRow): RowEntry | undefined {
    const parsed = parseSignedRow(row)
    if (parsed === undefined) {
      this.ordinary.set(row.relation, (this.ordinary.get(row.relation) ?? 0) + 1)
      return undefined
    }
    const entry = {
      id,
      row: parsed,
      seqs: [],
      rows: 0,
      ...(row.origin !== undefined && { origin: row.origin }),
    }
    this.#entries.set(id, entry)
    return entry
  }
}

function isOfKeys(entry: RowEntry): entry is RowEntry<LogKeyRow> {
  return entry.row.relation === SIGNED_RELATION.logKey
}

function idOf({ relation, object, relationPath, origin }: LogRow): string {
  return JSON.stringify([origin, relation, object, ...relationPath])
}
