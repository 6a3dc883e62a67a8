/**
 * Yields what a source has ready, as batches of 1 to `max` items. The source yields its items many at a time, because a
 * promise for each item costs more than the item. It is read while the consumer works on a batch: a slow consumer gets
 * full batches, and a slow source gives small batches at once. The source is not read while two batches are buffered.
 * When the consumer returns, or the signal aborts, the source is closed after its next items. An abort throws the
 * signal's reason.
 */
export async function* batches<T>(
  source: AsyncIterable<readonly T[]>,
  max: number,
  signal?: AbortSignal,
): AsyncGenerator<T[]> {
  const pump = new Pump<T>(2 * max)
  const abort = () => pump.stop()
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort)
  const pumping = pump.run(source)
  // Mark the rejection as handled. It is awaited below, after the items before it have been yielded.
  pumping.catch(() => undefined)
  try {
    for (;;) {
      const batch = await pump.take(max)
      signal?.throwIfAborted()
      if (batch.length === 0) break
      yield batch
    }
    await pumping
  } finally {
    signal?.removeEventListener('abort', abort)
    pump.stop()
  }
}

class Pump<T> {
  readonly #capacity: number
  #items: T[] = []
  #ended = false
  #stopped = false
  #wakeReader: () => void = () => undefined
  #wakeWriter: () => void = () => undefined

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  async run(source: AsyncIterable<readonly T[]>): Promise<void> {
    try {
      for await (const items of source) {
        if (this.#stopped) return
        for (const item of items) this.#items.push(item)
        this.#wakeReader()
        if (this.#items.length >= this.#capacity) await this.#untilTaken()
      }
    } finally {
      this.#ended = true
      this.#wakeReader()
    }
  }

  /** Returns up to `max` items as soon as there is one, or none when the source has ended or the pump was stopped. */
  async take(max: number): Promise<T[]> {
    while (this.#items.length === 0 && !this.#ended && !this.#stopped) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
    }
    const batch = this.#items.slice(0, max)
    this.#items = this.#items.slice(max)
    this.#wakeWriter()
    return batch
  }

  stop(): void {
    this.#stopped = true
    this.#wakeWriter()
    this.#wakeReader()
  }

  #untilTaken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeWriter = resolve
    })
  }
}
