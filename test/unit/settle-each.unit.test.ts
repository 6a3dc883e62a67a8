import { describe, expect, it } from 'vitest'
import { type Settled, settleEach } from '../../src/base/settle-each.js'

const broken = new Error('broken')

async function settled(
  items: readonly string[],
  work: (item: string) => Promise<number>,
  signal = new AbortController().signal,
): Promise<{ seen: Settled<string, number>[]; error?: unknown }> {
  const seen: Settled<string, number>[] = []
  try {
    for await (const one of settleEach(items, work, signal)) seen.push(one)
    return { seen }
  } catch (error) {
    return { seen, error }
  }
}

describe('settleEach', () => {
  it('yields a result or a failure for each item, in order', async () => {
    const work = async (item: string) => {
      if (item === 'b') throw broken
      return item.length
    }
    expect(await settled(['a', 'b', 'cc'], work)).toEqual({
      seen: [
        { item: 'a', done: 1 },
        { item: 'b', failed: broken },
        { item: 'cc', done: 2 },
      ],
    })
  })

  it('works on one item at a time', async () => {
    let running = 0
    let most = 0
    await settled(['a', 'b', 'c'], async () => {
      most = Math.max(most, ++running)
      await Promise.resolve()
      return --running
    })
    expect(most).toBe(1)
  })

  it('yields the failure of an item during which the signal came, and then rejects with its reason', async () => {
    const controller = new AbortController()
    const work = async () => {
      controller.abort('enough')
      throw broken
    }
    expect(await settled(['a', 'b'], work, controller.signal)).toEqual({
      seen: [{ item: 'a', failed: broken }],
      error: 'enough',
    })
  })

  it('keeps the result of the last item when the signal came during its work', async () => {
    const controller = new AbortController()
    const work = async () => {
      controller.abort('enough')
      return 1
    }
    expect(await settled(['a'], work, controller.signal)).toEqual({ seen: [{ item: 'a', done: 1 }] })
    expect(await settled(['a', 'b'], work, controller.signal)).toEqual({ seen: [], error: 'enough' })
  })
})
