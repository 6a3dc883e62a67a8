import { describe, expect, it } from 'vitest'
import type { ChunkSink } from '../../src/repo/wire/copy-out.js'
import { throttle } from '../../src/repo/wire/throttle.js'

/** A sink that counts the bytes that it takes. */
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

describe('throttle', () => {
  it('passes every chunk on, and pauses after every stretch of bytes', async () => {
    const inner = counting()
    const sink = throttle(inner, 0.5)
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

  it('waits for the inner sink, and rejects with its error', async () => {
    const inner = counting()
    inner.more = Promise.reject(new Error('the reader is gone'))
    inner.more.catch(() => undefined)
    const sink = throttle(inner, 0.5)
    expect(sink.push(Buffer.alloc(1))).toBe(inner.more)
    sink.push(CHUNK)
    await expect(sink.push(CHUNK)).rejects.toThrow('the reader is gone')
  })
})
