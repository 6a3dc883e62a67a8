/**
 * What a source has ready, as batches of 1 to `max` items: it is read on while the consumer works on a batch, so a slow
 * consumer gets full batches and a slow source is never waited for. Two batches at most are held beside the consumer's.
 * Ends, and lets go of the source as soon as that hands out its next item, when the consumer returns or at an abort;
 * then it throws the signal's reason.
 */
export async function* batches<T>(
  source: AsyncIterable<T>,
  max: number,
  signal?: AbortSignal,
): AsyncGenerator<T[]> {
  const pump = new Pump<T>(2 * max)
  const abort = () => pump.stop()
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort)
  const pumping = pump.run(source)
  // Its failure is told when what came before it has been yielded.
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
  readonly #room: number
  #items: T[] = []
  #ended = false
  #stopped = false
  #wakeReader: () => void = () => undefined
  #wakeWriter: () => void = () => undefined

  constructor(room: number) {
    this.#room = room
  }

  async run(source: AsyncIterable<T>): Promise<void> {
    try {
      for await (const item of source) {
        if (this.#stopped) return
        this.#items.push(item)
        this.#wakeReader()
        if (this.#items.length >= this.#room) await this.#untilRoom()
      }
    } finally {
      this.#ended = true
      this.#wakeReader()
    }
  }

  /** Up to `max` items as soon as there is one; none when the source has ended or the pump was stopped. */
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

  #untilRoom(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeWriter = resolve
    })
  }
}
