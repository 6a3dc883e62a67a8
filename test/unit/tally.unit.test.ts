import { describe, expect, it } from 'vitest'
import { Tally } from '../../src/query/stats/tally.js'

const ONE = { rows: 1, denied: 0 }

describe('Tally', () => {
  it('keeps the values that come first, and sums the rows of further ones without their number', () => {
    const tally = new Tally(2)
    for (const value of ['a', 'b', 'c', 'd', 'a']) tally.add(value, ONE)
    tally.add('e', { rows: 1, denied: 1 })
    expect(tally.counts).toEqual({
      groups: [
        { value: 'a', rows: 2, denied: 0 },
        { value: 'b', rows: 1, denied: 0 },
      ],
      rest: { rows: 3, denied: 1, values: undefined },
    })
  })

  it('knows that there are no further values', () => {
    const tally = new Tally(2)
    for (const value of ['a', 'b', 'a']) tally.add(value, ONE)
    expect(tally.counts.rest).toEqual({ rows: 0, denied: 0, values: 0 })
  })

  it('counts a value whose text is the name of a property', () => {
    const tally = new Tally(10)
    for (const value of ['__proto__', 'constructor', '__proto__']) tally.add(value, ONE)
    expect(tally.counts.groups).toEqual([
      { value: '__proto__', rows: 2, denied: 0 },
      { value: 'constructor', rows: 1, denied: 0 },
    ])
  })

  it('does not know the number of values of two chains if one has a rest', () => {
    const rest = { rows: 5, denied: 0, values: 3 }
    const full = { groups: [{ value: 'a', ...ONE }], rest }
    const whole = { groups: [{ value: 'b', ...ONE }], rest: { rows: 0, denied: 0, values: 0 } }
    for (const chains of [
      [full, whole],
      [whole, full],
      [full, full],
    ]) {
      const tally = new Tally(10)
      for (const chain of chains) tally.addAll(chain)
      expect(tally.counts.rest.values).toBeUndefined()
    }
    const alone = new Tally(10)
    alone.addAll(full)
    expect(alone.counts.rest).toEqual(rest)
  })
})
