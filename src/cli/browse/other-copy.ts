import { AuditError } from '../../base/errors.js'
import type { EntryFilter, EntryReader, PageRange } from '../../ports/query.js'
import { shownEntry } from '../../query/claimed-entry.js'
import type { BrowseData } from './data.js'
import type { ReadRows } from './model/row-window.js'
import type { JobOf, ListedRow, RowCopy } from './model/state.js'
import { judgeRows } from './views/row-check.js'

/** Rows of the other copy that are listed between two rows. */
const MOST = 100

/** What was read of the first copy. */
export interface FirstCopy {
  readonly reader: EntryReader
  readonly domainId: string
  readonly entry: EntryFilter
  readonly hasTexts: (row: ListedRow) => boolean
  /** Whether every row matches. */
  readonly isWhole: boolean
  readonly place: JobOf<'rows'>['place']
}

/**
 * Returns rows of the first copy with the rows that only the other copy has, where there are two. Leaves them out where the
 * other copy cannot be read: a verification says so.
 */
export async function withOtherCopy(
  { copies: [, other] }: BrowseData,
  first: FirstCopy,
  read: ReadRows,
): Promise<ReadRows> {
  if (other === undefined) return read
  try {
    const found = new OtherRows(other.copy, await other.reader(first.domainId), first)
    const between = await found.beforeEach(read.rows)
    const after = await found.after(read)
    return { ...read, rows: [...between, ...after], hasAfter: read.hasAfter || after.length >= MOST }
  } catch (error) {
    if (error instanceof AuditError) return read
    throw error
  }
}

class OtherRows {
  readonly #copy: RowCopy['copy']
  readonly #reader: EntryReader
  readonly #first: FirstCopy

  constructor(copy: RowCopy['copy'], reader: EntryReader, first: FirstCopy) {
    this.#copy = copy
    this.#reader = reader
    this.#first = first
  }

  /** Returns the rows, each after the rows that are missing before it. The stored row before it is known, whatever the filter. */
  async beforeEach(rows: readonly ListedRow[]): Promise<ListedRow[]> {
    const { place } = this.#first
    const all: ListedRow[] = []
    // The rows up to this one are in the window already.
    let last = place.at === 'after' ? place.seq : 0
    for (const row of rows) {
      const after = Math.max(last, row.previous?.seq ?? row.seq - 1)
      if (after < row.seq - 1)
        all.push(
          ...(await this.#page({ after, upTo: row.seq - 1, limit: MOST, order: 'descending' })).reverse(),
        )
      all.push(row)
      last = row.seq
    }
    return all
  }

  /** Returns the rows after the last one of the first copy, or up to the window. A filter hides where the copy ends. */
  async after({ rows, hasAfter }: ReadRows): Promise<ListedRow[]> {
    const { isWhole, place } = this.#first
    const isBefore = place.at === 'before'
    if (!isWhole || (hasAfter && !isBefore)) return []
    const after = rows.at(-1)?.seq ?? (place.at === 'after' ? place.seq : 0)
    const upTo = isBefore ? place.seq - 1 : undefined
    if (upTo !== undefined && after >= upTo) return []
    const found = await this.#page({ after, upTo, limit: MOST })
    const missing = await Promise.all(found.map((row) => this.#isMissing(row)))
    return found.filter((_, index) => missing[index])
  }

  /** A row that was appended meanwhile may be in both copies by now. */
  async #isMissing({ domainId, seq }: ListedRow): Promise<boolean> {
    return (await this.#first.reader.rowsAt(domainId, seq)).length === 0
  }

  async #page(range: PageRange): Promise<ListedRow[]> {
    const { domainId, entry, hasTexts } = this.#first
    const found = await this.#reader.page(domainId, entry, range)
    const rows = found.filter(hasTexts).map((row): ListedRow => ({ ...shownEntry(row), onlyIn: this.#copy }))
    judgeRows(range.order === 'descending' ? rows.toReversed() : rows)
    return rows
  }
}
