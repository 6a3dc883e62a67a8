import type { EntryFilter, EntryReader, ReadEntry, SeqRange } from '../ports/query.js'

/** The rows of one chain that a filter matches in a range. */
export interface WantedRows {
  readonly reader: EntryReader
  readonly domainId: string
  readonly filter: EntryFilter
  readonly range: SeqRange
}

/**
 * Yields the rows in the order of the range, up to `size` at once and never none. Memory does not grow with the chain. Also yields rows
 * that are appended meanwhile.
 */
export async function* rowPages(
  wanted: WantedRows,
  size: number,
  signal?: AbortSignal,
): AsyncGenerator<readonly ReadEntry[]> {
  const pages = wanted.reader.stream === undefined ? pagedRows : streamedRows
  for await (const rows of pages(wanted, size, signal)) {
    signal?.throwIfAborted()
    if (rows.length > 0) yield rows
  }
}

async function* pagedRows(
  { reader, domainId, filter, range }: WantedRows,
  size: number,
  signal?: AbortSignal,
): AsyncGenerator<readonly ReadEntry[]> {
  for (let rest = range; ; ) {
    signal?.throwIfAborted()
    const rows = await reader.page(domainId, filter, { ...rest, limit: size })
    yield rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < size) return
    rest = rangeAfter(rest, last.seq)
  }
}

async function* streamedRows(
  { reader, domainId, filter, range }: WantedRows,
  size: number,
  signal?: AbortSignal,
): AsyncGenerator<readonly ReadEntry[]> {
  let rows: ReadEntry[] = []
  for await (const row of reader.stream?.(domainId, filter, range, signal) ?? []) {
    rows.push(row)
    if (rows.length < size) continue
    yield rows
    rows = []
  }
  yield rows
}

/** Returns the rest of a range once its rows up to the row `seq` are read. */
export function rangeAfter(range: SeqRange, seq: number): SeqRange {
  if (range.order !== 'descending') return { ...range, after: Math.max(range.after, seq) }
  return { ...range, upTo: Math.min(range.upTo ?? seq, seq) - 1 }
}
