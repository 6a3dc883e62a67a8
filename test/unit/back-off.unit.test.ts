import { describe, expect, it } from 'vitest'
import { AFTER_FAILURE } from '../../src/archive/chain-schedule.js'
import { backOff } from '../../src/base/back-off.js'

describe('backOff', () => {
  it.each([
    [1, 1_000],
    [2, 2_000],
    [6, 32_000],
    [7, 60_000],
    [5_000, 60_000],
  ])('returns, with full jitter after %i failures, anything up to %i ms', (failures, bound) => {
    expect(backOff(AFTER_FAILURE, failures, 0)).toBe(0)
    expect(backOff(AFTER_FAILURE, failures, 0.5)).toBe(bound / 2)
    expect(backOff(AFTER_FAILURE, failures, 1)).toBe(bound)
  })

  it('returns the bound without jitter, whatever the random number', () => {
    const policy = { first: 5, longest: 15, jitter: 0 }
    expect([1, 2, 3].map((failures) => backOff(policy, failures))).toEqual([5, 10, 15])
  })

  it('leaves only a part to chance with partial jitter', () => {
    const policy = { first: 100, jitter: 0.5 }
    expect([0, 0.5, 1].map((random) => backOff(policy, 2, random))).toEqual([100, 150, 200])
  })

  it('multiplies by another factor, or grows linearly, if asked to', () => {
    const waits = (growth: number | 'linear') =>
      [1, 2, 3].map((failures) => backOff({ first: 10, growth, jitter: 0 }, failures))
    expect(waits(3)).toEqual([10, 30, 90])
    expect(waits('linear')).toEqual([10, 20, 30])
  })
})
