import { describe, expect, it } from 'vitest'
import { type PreviousRow, START } from '../../src/chain/evidence/row-check.js'
import { nobleHasher } from '../../src/chain/hash.js'
import type { ReadEntry } from '../../src/ports/query.js'
import { checkRow } from '../../src/query/check.js'
import { RowJudge } from '../../src/query/row-judge.js'
import { chainRows } from '../support/chain-rows.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'
const [FIRST, SECOND] = chainRows(DOMAIN, [{}, {}]).map(({ reason: _, ...row }) => ({ ...row, reason: 1 }))
const BEFORE: PreviousRow = { seq: 1, entryHash: FIRST?.entryHash }
const OTHER = 'ee'.repeat(32)

function row(base: ReadEntry | undefined, change: Partial<ReadEntry>): ReadEntry {
  if (base === undefined) throw new Error('expected a row')
  return { ...base, ...change }
}

describe('checkRow', () => {
  it.each<[string, string, ReadEntry, RegExp | undefined]>([
    ['the first row', 'ok', row(FIRST, { previous: START }), undefined],
    ['a row that links to the row before', 'ok', row(SECOND, { previous: BEFORE }), undefined],
    ['a row without a known row before', 'ok', row(SECOND, {}), undefined],
    ['an edited field', 'damaged', row(SECOND, { previous: BEFORE, relation: 'x.y' }), /does not recompute/],
    [
      'a field that is NULL',
      'damaged',
      row(SECOND, { previous: BEFORE, object: undefined }),
      /no canonical bytes/,
    ],
    [
      'an edited prev_hash',
      'damaged',
      row(SECOND, { previous: BEFORE, prevHash: OTHER }),
      /does not recompute/,
    ],
    [
      'another entry_hash before',
      'unlinked',
      row(SECOND, { previous: { seq: 1, entryHash: OTHER } }),
      /of row 1, eeee/,
    ],
    ['no entry_hash before', 'ok', row(SECOND, { previous: { seq: 1 } }), undefined],
    ['a missing first row', 'unlinked', row(SECOND, { previous: START }), /no row before it/],
    [
      'damage and a wrong link',
      'damaged',
      row(SECOND, { previous: START, relation: 'x.y' }),
      /does not recompute/,
    ],
  ])('returns for %s: %s', (_name, check, entry, problem) => {
    const checked = checkRow(entry, nobleHasher)
    expect(checked.check).toBe(check)
    if (problem === undefined) expect(checked).not.toHaveProperty('problem')
    else expect(checked.problem).toMatch(problem)
  })
})

describe('RowJudge', () => {
  it('counts rows by what it found, and reports those that are not ok', () => {
    const reported: number[] = []
    const judge = new RowJudge(nobleHasher, ({ seq }) => reported.push(seq))
    const rows = [
      row(FIRST, { previous: START }),
      row(SECOND, { previous: START }),
      row(SECOND, { previous: BEFORE }),
    ]
    expect(rows.map((one) => judge.judge(one).check)).toEqual(['ok', 'unlinked', 'damaged'])
    expect(judge.counts).toEqual({ ok: 1, damaged: 1, unlinked: 1 })
    expect({ found: judge.found, reported }).toEqual({ found: 2, reported: [2, 2] })
  })

  it('gives a row of an unknown generation no check, and throws at the end', () => {
    const judge = new RowJudge(nobleHasher)
    expect(judge.judge(row(FIRST, { generation: 2 })).check).toBeUndefined()
    expect(() => judge.assertChecked()).toThrow('is of generation 2')
  })
})
