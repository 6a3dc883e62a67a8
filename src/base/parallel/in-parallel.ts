/**
 * Maps items by at most `width` calls at once, and returns the results in the order of the items. Once `isOver` returns
 * true, no further call begins, the running calls are awaited, and the results end there. Rejects with the first
 * rejection, after every running call has ended.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  isOver: () => boolean,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  let failed = false
  const work = async () => {
    while (next < items.length && !failed && !isOver()) {
      const index = next
      next += 1
      results[index] = await map(items[index] as T).catch((error: unknown) => {
        failed = true
        throw error
      })
    }
  }
  const workers = Array.from({ length: Math.min(width, items.length) }, work)
  await Promise.allSettled(workers)
  await Promise.all(workers)
  return results
}
