import { describe, expect, it } from 'vitest'
import type { ChunkSink } from '../../src/repo/wire/copy-out.js'
import { throttled } from '../../src/repo/wire/throttle.js'

/** A sink that takes whatever comes, and tells how much that was. */
function counting(): ChunkSink & { bytes: number; more: Promise<void> | undefined } {
  const sink = {
    bytes: 0,
    more: undefined as Promise<void> | undefined,
    done: Promise.resolve(Buffer.alloc(0)),
    push(chunk: Buffer) {
      sink.bytes += chunk.length
      return sink.more
    },
  }
  return sink
}

const CHUNK = Buffer.alloc(600 * 1024)

describe('a throttled sink', () => {
  it('takes everything, and pauses once in a while', async () => {
    const inner = counting()
    const sink = throttled(inner, 0.5)
    const pauses: unknown[] = []
    for (let i = 0; i < 6; i++) {
      const pause = sink.push(CHUNK)
      pauses.push(pause === undefined ? 'on' : 'pause')
      await pause
    }
    expect(pauses).toEqual(['on', 'pause', 'on', 'pause', 'on', 'pause'])
    expect(inner.bytes).toBe(6 * CHUNK.length)
    expect(sink.done).toBe(inner.done)
  })

  it('waits for the sink behind it as well, and fails with it', async () => {
    const inner = counting()
    inner.more = Promise.reject(new Error('the reader is gone'))
    inner.more.catch(() => undefined)
    const sink = throttled(inner, 0.5)
    expect(sink.push(Buffer.alloc(1))).toBe(inner.more)
    sink.push(CHUNK)
    await expect(sink.push(CHUNK)).rejects.toThrow('the reader is gone')
  })
})
