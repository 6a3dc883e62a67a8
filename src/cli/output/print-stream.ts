import type { Output } from './output.js'
import { type Cell, type Heading, layOut, noteDropped } from './table.js'

export interface StreamView<T> {
  readonly json: boolean
  readonly toJson: (item: T) => unknown
  readonly head: readonly Heading[]
  readonly toRow: (item: T) => readonly Cell[]
}

/** Rows of one table; a stream as text keeps this many rows in memory. */
const TABLE_ROWS = 200

/**
 * Prints items as NDJSON, or as tables of up to 200 rows, each with its heading. Resolves with the number of items;
 * stops early when the reader is gone.
 */
export async function printStream<T>(
  out: Output,
  items: AsyncIterable<T>,
  view: StreamView<T>,
): Promise<number> {
  let count = 0
  const dropped = new Set<string>()
  let waiting: (readonly Cell[])[] = []
  const flush = async () => {
    const rows = waiting
    waiting = []
    if (rows.length === 0) return true
    const table = await layOut(view.head, rows, out)
    for (const title of table.dropped) dropped.add(title)
    return out.line(table.text)
  }
  for await (const item of items) {
    count += 1
    if (!view.json) waiting.push(view.toRow(item))
    const more = view.json
      ? await out.json(view.toJson(item))
      : waiting.length < TABLE_ROWS || (await flush())
    if (!more) return count
  }
  await flush()
  noteDropped(dropped)
  return count
}
