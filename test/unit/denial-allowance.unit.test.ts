import { describe, expect, it } from 'vitest'
import {
  DenialAllowance,
  MAX_CALLERS,
  MAX_CHAINS,
  ROWS_A_WINDOW,
  WINDOW,
} from '../../src/http/denials/allowance.js'
import type { Denial } from '../../src/http/deps.js'

const denialOf = (subject: string, domainId = 'd', correlationId = 'c'): Denial => ({
  subject,
  subjectId: subject,
  domainId,
  relation: 'auditor',
  reason: 'insufficient_relation',
  correlationId,
})

/** Returns how many of `count` denials get a row of their own. */
function taken(allowance: DenialAllowance, count: number, subject = 'a', now = 0): number {
  let rows = 0
  for (let i = 0; i < count; i++) {
    if (allowance.allowsRow(denialOf(subject, 'd', `c${i}`), now, true)) rows += 1
  }
  return rows
}

describe('DenialAllowance', () => {
  it('allows a number of rows in each window, and then one row with a count', () => {
    const allowance = new DenialAllowance()
    expect(taken(allowance, 500)).toBe(ROWS_A_WINDOW)
    expect(allowance.release(WINDOW - 1)).toEqual([])
    const count = 500 - ROWS_A_WINDOW
    expect(allowance.release(WINDOW)).toEqual([{ denial: denialOf('a', 'd', 'c499'), count }])
    expect(allowance.isOpen).toBe(false)
    expect(taken(allowance, 500, 'a', WINDOW)).toBe(ROWS_A_WINDOW)
  })

  it('limits each caller separately', () => {
    const allowance = new DenialAllowance()
    taken(allowance, 500)
    expect(taken(allowance, 1, 'b')).toBe(1)
  })

  it('counts denials by chain', () => {
    const allowance = new DenialAllowance()
    taken(allowance, ROWS_A_WINDOW)
    for (const chain of ['x', 'y', 'x']) allowance.allowsRow(denialOf('a', chain), 0, true)
    expect(allowance.release(WINDOW).map(({ denial, count }) => [denial.domainId, count])).toEqual([
      ['x', 2],
      ['y', 1],
    ])
  })

  it('counts denials when the queue is full', () => {
    const allowance = new DenialAllowance()
    expect(allowance.allowsRow(denialOf('a'), 0, false)).toBe(false)
    expect(allowance.release(WINDOW)).toEqual([{ denial: denialOf('a'), count: 1 }])
  })

  it('bounds its memory and only counts denials beyond the bound', () => {
    const allowance = new DenialAllowance()
    taken(allowance, ROWS_A_WINDOW)
    for (let i = 0; i < MAX_CHAINS + 3; i++) allowance.allowsRow(denialOf('a', `x${i}`), 0, true)
    expect(allowance.takeUncounted()).toBe(3)
    for (let i = 1; i < MAX_CALLERS + 4; i++) taken(allowance, 1, `caller ${i}`)
    expect(allowance.takeUncounted()).toBe(4)
    expect(allowance.takeUncounted()).toBe(0)
    expect(allowance.release(WINDOW)).toHaveLength(MAX_CHAINS)
  })
})
