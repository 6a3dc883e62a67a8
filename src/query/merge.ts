import type { ReadTime } from '../base/wire-time.js'
import type { PageOrder, ReadEntry } from '../ports/query.js'

/**
 * Yields the rows of several chains by recorded_at; rows of one time by domain_id, and then by seq. The rows of each stream come in
 * the order of its chain. So on a chain whose times were edited, the rows stay in order of seq. Holds one row of each stream.
 */
export async function* mergedRows(
  streams: readonly AsyncIterable<ReadEntry>[],
  order: PageOrder = 'ascending',
): AsyncGenerator<ReadEntry> {
  const sign = order === 'ascending' ? 1 : -1
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]())
  const heads: Head[] = []
  try {
    for (const iterator of iterators) await pull(iterator, heads)
    for (;;) {
      const first = heads.reduce<Head | undefined>(
        (best, head) => (best === undefined || sign * compare(head.row, best.row) < 0 ? head : best),
        undefined,
      )
      if (first === undefined) return
      heads.splice(heads.indexOf(first), 1)
      yield first.row
      await pull(first.iterator, heads)
    }
  } finally {
    for (const iterator of iterators) await iterator.return?.()
  }
}

interface Head {
  readonly row: ReadEntry
  readonly iterator: AsyncIterator<ReadEntry>
}

async function pull(iterator: AsyncIterator<ReadEntry>, heads: Head[]): Promise<void> {
  const next = await iterator.next()
  if (next.done !== true) heads.push({ row: next.value, iterator })
}

function compare(a: ReadEntry, b: ReadEntry): number {
  return (
    compareTimes(a.recordedAt, b.recordedAt) ||
    Number(a.domainId > b.domainId) - Number(a.domainId < b.domainId) ||
    a.seq - b.seq
  )
}

/** A missing time is before every other, as an entry shows it. */
function compareTimes(a: ReadTime | undefined, b: ReadTime | undefined): number {
  const [rankA, rankB] = [rank(a), rank(b)]
  if (rankA !== rankB) return rankA - rankB
  if (typeof a !== 'bigint' || typeof b !== 'bigint' || a === b) return 0
  return a < b ? -1 : 1
}

function rank(time: ReadTime | undefined): number {
  if (typeof time === 'bigint') return 0
  return time === 'infinity' ? 1 : -1
}
