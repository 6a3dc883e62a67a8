import { describe, expect, it } from 'vitest'
import { itemsOf, type Keyset, pagesOf } from '../../src/base/paging.js'

/** Pages of the numbers 1 to `count`, and the ranges that were asked for. */
function numbers(count: number, size: number): { keyset: Keyset<number, number>; ranges: number[][] } {
  const ranges: number[][] = []
  const page = async ({ after, limit }: { after: number; limit: number }) => {
    ranges.push([after, limit])
    return Array.from({ length: Math.min(limit, count - after) }, (_, i) => after + i + 1)
  }
  return { keyset: { page, start: 0, keyOf: (item) => item, size }, ranges }
}

async function collected<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

describe('itemsOf', () => {
  it.each([
    [0, [[0, 3]]],
    [2, [[0, 3]]],
    [
      3,
      [
        [0, 3],
        [3, 3],
      ],
    ],
    [
      7,
      [
        [0, 3],
        [3, 3],
        [6, 3],
      ],
    ],
  ])('yields %i items in order, and stops at a page that is not full', async (count, expected) => {
    const { keyset, ranges } = numbers(count, 3)
    expect(await collected(itemsOf(keyset))).toEqual(Array.from({ length: count }, (_, i) => i + 1))
    expect(ranges).toEqual(expected)
  })
})

describe('pagesOf', () => {
  it('reads the next page only when it is asked for', async () => {
    const { keyset, ranges } = numbers(7, 3)
    const pages = pagesOf(keyset)
    expect((await pages.next()).value).toEqual([1, 2, 3])
    expect(ranges).toHaveLength(1)
  })

  it('never yields an empty page', async () => {
    expect(await collected(pagesOf(numbers(3, 3).keyset))).toEqual([[1, 2, 3]])
  })

  it('rejects with the reason of an aborted signal before it reads a page', async () => {
    const { keyset, ranges } = numbers(7, 3)
    const pages = pagesOf(keyset, AbortSignal.abort(new Error('stop')))
    await expect(pages.next()).rejects.toThrow('stop')
    expect(ranges).toEqual([])
  })
})
