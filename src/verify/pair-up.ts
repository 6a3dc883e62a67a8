import type { StoredRow } from '../chain/fold.js'
import type { ListedRow } from './object-stream.js'

/** What the two copies have at one seq. An orphan and a stray have a pair of their own. */
export interface Pair {
  readonly seq: number
  /** More than one row if the seq is duplicated. */
  readonly rows: readonly StoredRow[]
  readonly object?: ListedRow | undefined
}

/** Merges two streams that ascend by seq. It holds one batch of rows and one object in memory. */
export async function* pairUp(
  batches: AsyncIterable<readonly StoredRow[]>,
  objects: AsyncIterable<ListedRow>,
): AsyncGenerator<Pair> {
  const rows = new Cursor(flatten(batches))
  const mirror = new Cursor(objects)
  try {
    for (;;) {
      const object = await mirror.peek()
      if (object?.kind === 'stray' || object?.kind === 'orphan') {
        await mirror.next()
        yield { seq: object.seq, rows: [], object }
        continue
      }
      const row = await rows.peek()
      if (row === undefined && object === undefined) return
      const seq = Math.min(row?.seq ?? Number.POSITIVE_INFINITY, object?.seq ?? Number.POSITIVE_INFINITY)
      yield {
        seq,
        rows: await takeRows(rows, seq),
        object: object?.seq === seq ? await mirror.next() : undefined,
      }
    }
  } finally {
    await Promise.all([rows.return(), mirror.return()])
  }
}

async function takeRows(rows: Cursor<StoredRow>, seq: number): Promise<StoredRow[]> {
  const taken: StoredRow[] = []
  for (let row = await rows.peek(); row !== undefined && row.seq === seq; row = await rows.peek()) {
    taken.push(row)
    await rows.next()
  }
  return taken
}

async function* flatten<T>(batches: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const batch of batches) yield* batch
}

/** A stream whose next item can be read without consuming it. */
class Cursor<T> {
  readonly #iterator: AsyncIterator<T>
  #peeked: { readonly item: T | undefined } | undefined

  constructor(source: AsyncIterable<T>) {
    this.#iterator = source[Symbol.asyncIterator]()
  }

  async peek(): Promise<T | undefined> {
    if (this.#peeked === undefined) {
      const { done, value } = await this.#iterator.next()
      this.#peeked = { item: done === true ? undefined : value }
    }
    return this.#peeked.item
  }

  async next(): Promise<T | undefined> {
    const item = await this.peek()
    if (item !== undefined) this.#peeked = undefined
    return item
  }

  async return(): Promise<void> {
    await this.#iterator.return?.()
  }
}
