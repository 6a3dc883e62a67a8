import type { Output } from './output.js'
import { type Cell, table } from './table.js'

export interface StreamView<T> {
  readonly json: boolean
  readonly toJson: (item: T) => unknown
  readonly head: readonly string[]
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
  let waiting: (readonly Cell[])[] = []
  const flush = async () => {
    const rows = waiting
    waiting = []
    return rows.length === 0 || out.line(await table(view.head, rows, out))
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
  return count
}
