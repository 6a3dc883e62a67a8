import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EvidenceLog } from '../../src/chain/evidence/evidence-log.js'
import { SeqCount } from '../../src/chain/evidence/seq-count.js'
import type { Finding } from '../../src/chain/finding.js'
import { nobleHasher } from '../../src/chain/hash.js'
import { Touched } from '../../src/verify/evidence/touched.js'
import { A } from '../support/attacks/chains.js'

const at = (seqFrom: number, seqTo = seqFrom): Finding => ({
  code: 'copies_differ',
  seqFrom,
  seqTo,
  detail: '',
})
const row = (seq: number, entryHash: string) => ({ seq, problem: 'x', prevHash: 'a'.repeat(64), entryHash })

/** Returns a log of rows that differ, each with a finding of its own, with one row between them. */
function logOf(findings: number): EvidenceLog {
  const log = new EvidenceLog(A, nobleHasher)
  for (let i = 1; i <= 2 * findings; i += 1) {
    const differs = i % 2 === 0
    const rows = { postgres: row(i, 'b'.repeat(64)), mirror: row(i, 'c'.repeat(64)) }
    const seen = { seq: i, rows, before: {}, differs }
    log.see(seen, { found: differs, isFirst: differs }, () => [seen])
  }
  return log
}

it('keeps a bounded number of rows, and still counts every row that differs', () => {
  const log = logOf(30_000)
  const changes = [{ seq: 2, field: 'entry_hash', postgres: 'b'.repeat(64), mirror: 'c'.repeat(64) }]
  expect(log.of(at(2))).toMatchObject({ changes, rowsChanged: 1 })
  expect(log.of(at(60_000))).toEqual({ changes: [], rowsChanged: 1 })
  expect(log.of(at(1, 60_000)).rowsChanged).toBe(30_000)
})

it('shows nothing of findings about no row', () => {
  expect(logOf(2).of({ ...at(2), code: 'chain_missing' })).toEqual({})
})

it('ends for a finding at the highest seq', () => {
  const log = new EvidenceLog(A, nobleHasher)
  const seq = Number.MAX_SAFE_INTEGER
  const seen = { seq, rows: { mirror: row(seq, 'b'.repeat(64)) }, before: {}, differs: true }
  log.see(seen, { found: true, isFirst: true }, () => [seen])
  expect(log.of(at(seq))).toMatchObject({ rowsChanged: 1, context: [{ seq, copy: 'mirror' }] })
})

it('counts the seqs of a range as a set does', () => {
  const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 60 }))
  fc.assert(
    fc.property(
      seqs,
      fc.integer({ min: 0, max: 61 }),
      fc.integer({ min: 0, max: 61 }),
      (some, one, other) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)]
        const count = new SeqCount()
        for (const seq of some.sort((x, y) => x - y)) count.add(seq)
        expect(count.between(from, to)).toBe(some.filter((seq) => seq >= from && seq <= to).length)
      },
    ),
  )
})

it('finds whether a finding reaches a range as a search through all does', () => {
  const range = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 6 }))
  fc.assert(
    fc.property(fc.array(range), range, (ranges, [from, more]) => {
      const findings = ranges.map(([seqFrom, length]) => at(seqFrom, seqFrom + length))
      const asked = at(from, from + more)
      const expected = findings.some((one) => one.seqFrom <= asked.seqTo + 1 && one.seqTo >= asked.seqFrom)
      expect(new Touched(findings).isAt(asked)).toBe(expected)
    }),
  )
})
