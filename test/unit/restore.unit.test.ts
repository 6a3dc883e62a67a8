import { describe, expect, it } from 'vitest'
import type { Finding, FindingCode } from '../../src/chain/finding.js'
import { intactEnd } from '../../src/restore/intact-end.js'

type Given = readonly [code: FindingCode, from: number, to: number, observed?: string]

const F = 'f'.repeat(64)
const CASES: readonly (readonly [what: string, given: readonly Given[], end: number])[] = [
  ['no finding', [], 20],
  ['an edited row', [['entry_hash_mismatch', 8, 8]], 7],
  ['a malformed object', [['object_malformed', 8, 9]], 7],
  ['a gap', [['seq_gap', 8, 12]], 7],
  ['a broken link, because the row before it was forged', [['broken_link', 8, 8]], 6],
  [
    'an edited hash and the link after it',
    [
      ['entry_hash_mismatch', 8, 8],
      ['broken_link', 9, 9],
    ],
    7,
  ],
  [
    'several findings, by the first',
    [
      ['object_malformed', 15, 15],
      ['seq_gap', 4, 4],
      ['entry_hash_mismatch', 9, 9],
    ],
    3,
  ],
  ['the first row', [['entry_hash_mismatch', 1, 1]], 0],
  ['the link of the first row', [['broken_link', 1, 1]], 0],
  ['the link of the second row', [['broken_link', 2, 2]], 0],
  [
    'orphans, which are no rows',
    [
      ['orphan_object', 3, 3],
      ['orphan_object', 0, 0],
    ],
    20,
  ],
  [
    'an orphan before an edited row',
    [
      ['orphan_object', 3, 3],
      ['entry_hash_mismatch', 9, 9],
    ],
    8,
  ],
  ['a pin beyond the end, because rows are lost', [['unexpected_head', 25, 25]], 20],
  [
    'a pin within a gap',
    [
      ['seq_gap', 8, 12],
      ['unexpected_head', 10, 10],
    ],
    7,
  ],
  [
    'a pin whose row is another one, because the beginning of the rewritten rows is unknown',
    [['unexpected_head', 15, 15, F]],
    0,
  ],
]

describe('intactEnd of 20 rows', () => {
  it.each(CASES)('stops before %s', (_what, given, end) => {
    const findings: Finding[] = given.map(([code, seqFrom, seqTo, observed]) => ({
      code,
      seqFrom,
      seqTo,
      observed,
      detail: '',
    }))
    expect(intactEnd(findings, 20)).toBe(end)
  })
})
