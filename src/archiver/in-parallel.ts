/**
 * Maps items by at most `width` calls at once; results in the order of the items. Once the signal comes no further call
 * is begun, those under way are waited for, and the results end there. Rejects with the first rejection.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  signal: AbortSignal,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const work = async () => {
    while (next < items.length && !signal.aborted) {
      const index = next
      next += 1
      results[index] = await map(items[index] as T)
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work))
  return results
}
