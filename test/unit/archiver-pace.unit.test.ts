import { describe, expect, it } from 'vitest'
import { type Drained, nothingDrained } from '../../src/archive/drain.js'
import { inParallel } from '../../src/archive/in-parallel.js'
import { Pace } from '../../src/archive/pace.js'
import { RowsWanted } from '../../src/archive/rows-wanted.js'
import { Semaphore } from '../../src/archive/semaphore.js'

const drained = (patch: Partial<Drained>): Drained => ({ ...nothingDrained(0), ended: 'all', ...patch })

describe('Pace', () => {
  it('of a chain without trouble is due at once, from its beginning', () => {
    const pace = new Pace()
    expect(pace.onPass(drained({ stamped: 5, reached: 5 }), 0, 100, 1)).toBe(undefined)
    expect([pace.isDue(100), pace.after(100)]).toEqual([true, 0])
  })

  it('waits longer each time that nothing gets through, and forgets it when something does', () => {
    const pace = new Pace()
    const waits = [0, 1, 2].map(() => pace.onPass(drained({ failed: 3, reached: 3 }), 0, 0, 1))
    expect(waits).toEqual([1_000, 2_000, 4_000])
    expect([pace.isDue(3_999), pace.isDue(4_000)]).toEqual([false, true])
    pace.onPass(drained({ stamped: 3, reached: 3 }), 0, 4_000, 1)
    expect(pace.onPass(drained({ failed: 1 }), 0, 5_000, 1)).toBe(1_000)
  })

  it('passes over one row that fails, and is due for the others', () => {
    const pace = new Pace()
    pace.onPass(drained({ stamped: 9, failed: 1, reached: 10 }), 0, 0, 1)
    expect([pace.isDue(1), pace.after(999), pace.after(1_000)]).toEqual([true, 10, 0])
    // New rows that get through are not the one that failed.
    pace.onPass(drained({ stamped: 2, reached: 12 }), 10, 500, 1)
    expect(pace.onPass(drained({ failed: 1, reached: 12 }), 0, 1_000, 1)).toBe(2_000)
  })

  it('looks at held rows again after a while, not at every poll', () => {
    const pace = new Pace()
    pace.onPass(drained({ held: 1, stamped: 4, reached: 5 }), 0, 0, 1)
    expect([pace.isDue(1), pace.after(4_999), pace.after(5_000)]).toEqual([true, 5, 0])
    pace.onPass(drained({ held: 1, reached: 8 }), 5, 3_000, 1)
    expect([pace.after(4_999), pace.after(5_000)]).toEqual([8, 0])
    pace.onPass(drained({ stamped: 2, reached: 8 }), 0, 5_000, 1)
    expect(pace.after(5_001)).toBe(0)
  })

  it('looks at rows that stay held ever more seldom, and forgets it when none are', () => {
    const pace = new Pace()
    const held = drained({ held: 1, reached: 5 })
    let now = 0
    for (const wait of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      pace.onPass(held, 0, now, 1)
      expect([pace.after(now + wait - 1), pace.after(now + wait)]).toEqual([5, 0])
      now += wait
    }
    pace.onPass(drained({ stamped: 1, reached: 6 }), 0, now, 1)
    pace.onPass(held, 0, now, 1)
    expect(pace.after(now + 5_000)).toBe(0)
  })

  it('of a pass that failed altogether waits too', () => {
    const pace = new Pace()
    expect(pace.onError(0, 1)).toBe(1_000)
    expect(pace.onError(1_000, 1)).toBe(2_000)
    expect([pace.isDue(2_999), pace.isDue(3_000)]).toEqual([false, true])
  })
})

describe('RowsWanted', () => {
  it.each<[string, number[], number[][]]>([
    ['nothing', [], []],
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
  ])('of %s holds ranges, and those alone', (_name, seqs, ranges) => {
    const wanted = new RowsWanted()
    for (const seq of seqs) wanted.add(seq)
    expect(wanted.ranges).toEqual(ranges)
    const has = wanted.asker()
    expect(Array.from({ length: 102 }, (_, seq) => seq).filter(has)).toEqual(seqs)
    expect(wanted.touches({ from: 101, to: 200 })).toBe(false)
  })
})

describe('calls at once', () => {
  /** Calls that end when they are told to, and how many are under way. */
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

  it('are at most as many as the width, with results in order', async () => {
    const { call, endAll, most } = calls()
    const mapped = inParallel([1, 2, 3, 4, 5], 2, () => false, call)
    await endAll()
    expect([await mapped, most()]).toEqual([[2, 4, 6, 8, 10], 2])
  })

  it('are not begun once it is over; those under way are waited for', async () => {
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

  it('reject together, when none is under way any more', async () => {
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

  it('go through a gate one after the other, also past one that fails', async () => {
    const gate = new Semaphore(1)
    const order: number[] = []
    const results = await Promise.allSettled(
      [1, 2, 3].map((item) =>
        gate.run(async () => {
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
