import { describe, expect, it } from 'vitest'
import { ChainSchedule } from '../../src/archive/chain-schedule.js'
import { type Drained, nothingDrained } from '../../src/archive/drain.js'
import { RowsWanted } from '../../src/archive/rows-wanted.js'
import { inParallel } from '../../src/base/parallel/in-parallel.js'
import { Semaphore } from '../../src/base/parallel/semaphore.js'

const drained = (patch: Partial<Drained>): Drained => ({ ...nothingDrained(0), ended: 'all', ...patch })

describe('ChainSchedule', () => {
  it('lets a chain without failures begin at once, at its first row', () => {
    const schedule = new ChainSchedule()
    expect(schedule.onPass(drained({ stamped: 5, reached: 5 }), 0, 100, 1)).toBe(undefined)
    expect([schedule.isDue(100), schedule.after(100)]).toEqual([true, 0])
  })

  it('doubles the wait while no row is uploaded, and resets it after an upload', () => {
    const schedule = new ChainSchedule()
    const waits = [0, 1, 2].map(() => schedule.onPass(drained({ failed: 3, reached: 3 }), 0, 0, 1))
    expect(waits).toEqual([1_000, 2_000, 4_000])
    expect([schedule.isDue(3_999), schedule.isDue(4_000)]).toEqual([false, true])
    schedule.onPass(drained({ stamped: 3, reached: 3 }), 0, 4_000, 1)
    expect(schedule.onPass(drained({ failed: 1 }), 0, 5_000, 1)).toBe(1_000)
  })

  it('waits for a row that fails and skips no row: rows are stamped in order', () => {
    const schedule = new ChainSchedule()
    expect(schedule.onPass(drained({ stamped: 9, failed: 1, reached: 10 }), 0, 0, 1)).toBe(1_000)
    expect([schedule.isDue(999), schedule.isDue(1_000), schedule.after(1)]).toEqual([false, true, 0])
    expect(schedule.onPass(drained({ failed: 1, reached: 12 }), 0, 1_000, 1)).toBe(2_000)
    // A pass that stamps rows resets the wait.
    expect(schedule.onPass(drained({ stamped: 1, failed: 1, reached: 12 }), 0, 3_000, 1)).toBe(1_000)
  })

  it('reads held rows again after a wait, not at every poll', () => {
    const schedule = new ChainSchedule()
    schedule.onPass(drained({ held: 1, stamped: 4, reached: 5 }), 0, 0, 1)
    expect([schedule.isDue(1), schedule.after(4_999), schedule.after(5_000)]).toEqual([true, 5, 0])
    schedule.onPass(drained({ held: 1, reached: 8 }), 5, 3_000, 1)
    expect([schedule.after(4_999), schedule.after(5_000)]).toEqual([8, 0])
    schedule.onPass(drained({ stamped: 2, reached: 8 }), 0, 5_000, 1)
    expect(schedule.after(5_001)).toBe(0)
  })

  it('doubles the wait for rows that stay held, and resets it when none are held', () => {
    const schedule = new ChainSchedule()
    const held = drained({ held: 1, reached: 5 })
    let now = 0
    for (const wait of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      schedule.onPass(held, 0, now, 1)
      expect([schedule.after(now + wait - 1), schedule.after(now + wait)]).toEqual([5, 0])
      now += wait
    }
    schedule.onPass(drained({ stamped: 1, reached: 6 }), 0, now, 1)
    schedule.onPass(held, 0, now, 1)
    expect(schedule.after(now + 5_000)).toBe(0)
  })

  it('waits after a pass that failed as a whole', () => {
    const schedule = new ChainSchedule()
    expect(schedule.onError(0, 1)).toBe(1_000)
    expect(schedule.onError(1_000, 1)).toBe(2_000)
    expect([schedule.isDue(2_999), schedule.isDue(3_000)]).toEqual([false, true])
  })
})

describe('RowsWanted', () => {
  it.each<[string, number[], number[][]]>([
    ['no seqs', [], []],
    ['neighbours', [1, 2, 3, 4, 5, 6], [[1, 6]]],
    [
      'holes',
      [1, 3, 5, 6, 7, 100],
      [
        [1, 1],
        [3, 3],
        [5, 7],
        [100, 100],
      ],
    ],
  ])('keeps %s as ranges, and no other seq', (_name, seqs, ranges) => {
    const wanted = new RowsWanted()
    for (const seq of seqs) wanted.add(seq)
    expect(wanted.ranges).toEqual(ranges)
    const has = wanted.asker()
    expect(Array.from({ length: 102 }, (_, seq) => seq).filter(has)).toEqual(seqs)
    expect(wanted.touches({ from: 101, to: 200 })).toBe(false)
  })
})

describe('inParallel and Semaphore', () => {
  /** Returns calls that end on demand, and the largest number that ran at once. */
  function calls() {
    const ends: (() => void)[] = []
    let most = 0
    let now = 0
    const call = async (item: number) => {
      now += 1
      most = Math.max(most, now)
      await new Promise<void>((resolve) => ends.push(resolve))
      now -= 1
      return item * 2
    }
    const endAll = async () => {
      for (let idle = 0; idle < 20; idle += 1) {
        await Promise.resolve()
        for (const end of ends.splice(0)) end()
      }
    }
    return { call, endAll, most: () => most }
  }

  it('runs at most `width` calls at once, and returns the results in order', async () => {
    const { call, endAll, most } = calls()
    const mapped = inParallel([1, 2, 3, 4, 5], 2, () => false, call)
    await endAll()
    expect([await mapped, most()]).toEqual([[2, 4, 6, 8, 10], 2])
  })

  it('begins no call once it is over, and awaits the running calls', async () => {
    let begun = 0
    const mapped = inParallel(
      [1, 2, 3, 4],
      2,
      () => begun >= 2,
      async (item) => {
        begun += 1
        await Promise.resolve()
        return item
      },
    )
    expect(await mapped).toEqual([1, 2])
  })

  it('rejects after every running call has ended', async () => {
    const ended: number[] = []
    const mapped = inParallel(
      [1, 2, 3, 4],
      2,
      () => false,
      async (item) => {
        if (item === 1) throw new Error('first')
        await new Promise((resolve) => setImmediate(resolve))
        ended.push(item)
      },
    )
    await expect(mapped).rejects.toThrow('first')
    expect(ended).toEqual([2])
  })

  it('lets one call after the other pass a semaphore, also after one that fails', async () => {
    const semaphore = new Semaphore(1)
    const order: number[] = []
    const results = await Promise.allSettled(
      [1, 2, 3].map((item) =>
        semaphore.run(async () => {
          order.push(item)
          await Promise.resolve()
          order.push(-item)
          if (item === 2) throw new Error('second')
        }),
      ),
    )
    expect(order).toEqual([1, -1, 2, -2, 3, -3])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })
})
