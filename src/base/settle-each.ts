/** What became of one item: the result of its work, or why the work failed. */
export type Settled<I, T> =
  | { readonly item: I; readonly done: T }
  | { readonly item: I; readonly failed: unknown }

/**
 * Runs `work` on one item after another, and yields what became of each. An item that fails does not stop the others.
 * Rejects with the reason of `signal` before the next item, or after the failure of an item.
 */
export async function* settleEach<I, T>(
  items: Iterable<I>,
  work: (item: I) => Promise<T>,
  signal: AbortSignal,
): AsyncGenerator<Settled<I, T>> {
  for (const item of items) {
    signal.throwIfAborted()
    const settled = await settle(item, work)
    yield settled
    // A failure of another cause is yielded even then, so that it can be reported.
    if ('failed' in settled) signal.throwIfAborted()
  }
}

async function settle<I, T>(item: I, work: (item: I) => Promise<T>): Promise<Settled<I, T>> {
  try {
    return { item, done: await work(item) }
  } catch (error) {
    return { item, failed: error }
  }
}
