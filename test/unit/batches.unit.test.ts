import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batches } from '../../src/append/batches.js'

interface Latch {
  readonly opened: Promise<void>
  open(): void
}

function latch(): Latch {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** Yields numbers from 0 without end and without waiting, one at a time; `pulled` counts them. */
class Endless {
  pulled = 0
  closed = false

  async *[Symbol.asyncIterator](): AsyncGenerator<number[]> {
    try {
      for (;;) yield [this.pulled++]
    } finally {
      this.closed = true
    }
  }
}

/** Waits for more turns of the event loop than any chain of promises here needs. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await turn()
}

/** Yields `count` numbers, `sizes` at a time, and waits for as many turns of the event loop before each time as `pauses` says. */
async function* throttled(
  count: number,
  pauses: readonly number[],
  sizes: readonly number[] = [1],
): AsyncGenerator<number[]> {
  for (let i = 0, time = 0; i < count; time += 1) {
    for (let n = pauses[time % pauses.length] ?? 0; n > 0; n -= 1) await turn()
    const size = Math.min(count - i, sizes[time % sizes.length] ?? 1)
    yield Array.from({ length: size }, (_, k) => i + k)
    i += size
  }
}

async function* failing(count: number, error: Error): AsyncGenerator<number[]> {
  yield* throttled(count, [0])
  throw error
}

describe('batches', () => {
  it('yields every item once and in order, 1 to max at a time, for slow sources and slow consumers', async () => {
    const pace = fc.array(fc.nat(3), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(
        fc.nat(60),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 }),
        pace,
        pace,
        async (count, max, read, ...paces) => {
          const [source, consumer] = paces
          const seen: number[] = []
          const sizes: number[] = []
          for await (const batch of batches(throttled(count, source, read), max)) {
            seen.push(...batch)
            sizes.push(batch.length)
            for (let n = consumer[sizes.length % consumer.length] ?? 0; n > 0; n -= 1) await turn()
          }
          expect(seen).toEqual(Array.from({ length: count }, (_, i) => i))
          expect(sizes.every((size) => size >= 1 && size <= max)).toBe(true)
        },
      ),
    )
  })

  it('does not wait for a slow source', async () => {
    const { opened, open } = latch()
    async function* source() {
      yield ['a']
      await opened
      yield ['b']
    }
    const iterator = batches(source(), 10)
    expect((await iterator.next()).value).toEqual(['a'])
    open()
    expect((await iterator.next()).value).toEqual(['b'])
    expect((await iterator.next()).done).toBe(true)
  })

  it('reads while the consumer works, and then yields full batches', async () => {
    const iterator = batches(throttled(10, [0]), 4)
    await iterator.next()
    await settle()
    expect((await iterator.next()).value).toHaveLength(4)
  })

  it('buffers at most two batches besides the current one', async () => {
    const source = new Endless()
    const iterator = batches(source, 5)
    const first = await iterator.next()
    await settle()
    const held = source.pulled - (first.value?.length ?? 0)
    expect(held).toBe(10)
    await iterator.next()
    await settle()
    expect(source.pulled).toBe((first.value?.length ?? 0) + 15)
    await iterator.return(undefined)
  })

  it('does not read on while two batches are buffered, however many items came at once', async () => {
    const iterator = batches(throttled(1000, [0], [7]), 5)
    expect(await iterator.next()).toMatchObject({ value: [0, 1, 2, 3, 4] })
    await settle()
    const sizes: number[] = []
    for await (const batch of iterator) sizes.push(batch.length)
    expect(sizes.every((size) => size === 5)).toBe(true)
    expect(sizes).toHaveLength(199)
  })

  it('throws a failure of the source after the items before it', async () => {
    const error = new Error('unreadable')
    const seen: number[] = []
    const run = async () => {
      for await (const batch of batches(failing(7, error), 3)) {
        seen.push(...batch)
        await settle()
      }
    }
    await expect(run()).rejects.toBe(error)
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it('yields no batch for an empty source', async () => {
    expect((await batches(throttled(0, [0]), 3).next()).done).toBe(true)
  })

  it.each([
    ['returns', async (iterator: AsyncGenerator<number[]>) => void (await iterator.return(undefined))],
    ['throws', (iterator: AsyncGenerator<number[]>) => iterator.throw(new Error('x')).catch(() => undefined)],
  ])('stops the source when the consumer %s', async (_how, end) => {
    const source = new Endless()
    const iterator = batches(source, 2)
    await iterator.next()
    await end(iterator)
    await settle()
    expect(source.closed).toBe(true)
    const { pulled } = source
    await settle()
    expect(source.pulled).toBe(pulled)
  })

  it('ends at an abort although the source is silent', async () => {
    const controller = new AbortController()
    const iterator = batches(neverYields(), 2, controller.signal)
    const next = iterator.next()
    controller.abort(new Error('stop'))
    await expect(next).rejects.toThrow('stop')
  })

  it('yields nothing after an abort, although items are buffered', async () => {
    const controller = new AbortController()
    const iterator = batches(new Endless(), 2, controller.signal)
    await iterator.next()
    controller.abort(new Error('stop'))
    await expect(iterator.next()).rejects.toThrow('stop')
    await expect(batches(neverYields(), 2, controller.signal).next()).rejects.toThrow('stop')
  })
})

function neverYields(): AsyncIterable<number[]> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) }
}
