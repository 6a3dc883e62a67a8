/** A collection that is read in pages by a key: each page begins after the last key of the page before it. */
export interface Keyset<T, K> {
  /** Reads the first `limit` items after the key `after`, in the order of the keys. */
  readonly page: (range: { after: K; limit: number }) => Promise<readonly T[]>
  /** A key before all items to read. */
  readonly start: K
  readonly keyOf: (item: T) => K
  /** Items in a page. Default: 500. */
  readonly size?: number
}

const PAGE_SIZE = 500

/** Yields the collection page by page, without empty pages. Items that are added behind the last key are read too. */
export async function* pagesOf<T, K>(
  { page, start, keyOf, size = PAGE_SIZE }: Keyset<T, K>,
  signal?: AbortSignal,
): AsyncGenerator<readonly T[], undefined> {
  for (let after = start; ; ) {
    signal?.throwIfAborted()
    const items = await page({ after, limit: size })
    const last = items.at(-1)
    if (last === undefined) return
    yield items
    if (items.length < size) return
    after = keyOf(last)
  }
}

/** Yields the items of a collection, holding one page of them in memory. */
export async function* itemsOf<T, K>(
  keyset: Keyset<T, K>,
  signal?: AbortSignal,
): AsyncGenerator<T, undefined> {
  for await (const items of pagesOf(keyset, signal)) yield* items
}
