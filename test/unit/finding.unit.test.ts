import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FINDING_CODES, type Finding, type FindingCode, Findings, finding } from '../../src/chain/finding.js'

const A = 'a'.repeat(64)
const B = 'b'.repeat(64)

const at = (code: FindingCode, seqFrom: number, seqTo = seqFrom, expected?: string): Finding => ({
  code,
  seqFrom,
  seqTo,
  expected,
  detail: `${code} ${seqFrom}`,
})

function collected(...added: readonly Finding[]): Finding[] {
  const findings = new Findings()
  for (const f of added) findings.add(f)
  return findings.sorted()
}

describe('Findings', () => {
  const CASES: readonly (readonly [string, readonly Finding[], readonly Finding[]])[] = [
    [
      'merges neighbours and keeps the hashes of the first',
      [at('broken_link', 3, 3, A), at('broken_link', 4, 4, B)],
      [at('broken_link', 3, 4, A)],
    ],
    [
      'merges equal and overlapping ranges',
      [at('seq_gap', 3, 6, A), at('seq_gap', 3), at('seq_gap', 5, 8)],
      [at('seq_gap', 3, 8, A)],
    ],
    ['merges a range inside another', [at('seq_gap', 3, 9), at('seq_gap', 4, 5)], [at('seq_gap', 3, 9)]],
    [
      'keeps ranges that do not touch',
      [at('broken_link', 3), at('broken_link', 5)],
      [at('broken_link', 3), at('broken_link', 5)],
    ],
    [
      'merges neighbours although other codes were added between them',
      [at('broken_link', 3), at('seq_gap', 4), at('broken_link', 4)],
      [at('broken_link', 3, 4), at('seq_gap', 4)],
    ],
    [
      'takes the hashes of an earlier neighbour',
      [at('broken_link', 4, 4, A), at('broken_link', 3, 3, B)],
      [{ ...at('broken_link', 3, 4, B) }],
    ],
    [
      'keeps an earlier range that does not touch',
      [at('broken_link', 9), at('broken_link', 5)],
      [at('broken_link', 5), at('broken_link', 9)],
    ],
  ]
  it.each(CASES)('%s', (_name, added, expected) => {
    expect(collected(...added).map(({ rows, ...finding }) => finding)).toEqual(expected)
  })

  it('sorts by seq, then in the order of the codes', () => {
    const backwards = [...FINDING_CODES].reverse().map((code) => at(code, 2))
    expect(collected(at('chain_unknown', 1), ...backwards).map((f) => [f.seqFrom, f.code])).toEqual([
      [1, 'chain_unknown'],
      ...FINDING_CODES.slice(0, -1).map((code) => [2, code]),
    ])
  })

  it('covers, for each code, exactly what was added, in any order of adding', () => {
    const some = fc.record({
      code: fc.constantFrom<FindingCode>('broken_link', 'seq_gap'),
      from: fc.integer({ min: 1, max: 20 }),
      length: fc.integer({ min: 0, max: 3 }),
    })
    const seqs = (findings: readonly Finding[]) => {
      const all = findings.flatMap((f) =>
        Array.from({ length: f.seqTo - f.seqFrom + 1 }, (_, i) => `${f.code} ${f.seqFrom + i}`),
      )
      return [...new Set(all)].sort()
    }
    fc.assert(
      fc.property(fc.array(some, { maxLength: 12 }), (parts) => {
        const added = parts.map(({ code, from, length }) => at(code, from, from + length))
        expect(seqs(collected(...added))).toEqual(seqs(added))
      }),
    )
  })
})

describe('finding', () => {
  it.each([
    [3, 3],
    [-7, -7],
    [2 ** 53, 2 ** 53],
    [2 ** 63, 2 ** 53],
    [-(2 ** 63), -(2 ** 53)],
    [Number.POSITIVE_INFINITY, 2 ** 53],
    [Number.NaN, 0],
    [1.5, 1],
  ])('reports seq %d as %d', (seq, reported) => {
    expect(finding(at('malformed_row', seq))).toMatchObject({ seqFrom: reported, seqTo: reported })
  })

  it.each(['', 'ab', 'A'.repeat(64), `${A}\n`])('leaves out %j, which is not a hash', (text) => {
    const shown = finding({ ...at('malformed_row', 1), expected: text, observed: text })
    expect(shown.expected).toBeUndefined()
    expect(shown.observed).toBeUndefined()
  })
})
