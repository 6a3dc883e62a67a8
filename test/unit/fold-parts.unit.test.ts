import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { ChainFold, type FoldResult, type StoredRow } from '../../src/chain/fold.js'
import { MAX_MICROS } from '../../src/chain/timestamp.js'
import { cutParts, joinParts } from '../../src/repo/verify/fold-parts.js'
import type { FoldTask } from '../../src/repo/verify/fold-segment.js'
import { chainOf, DOMAIN, rehashed, stored } from '../support/chain-builder.js'

const LENGTH = 12
const CHAIN = chainOf(LENGTH)
const HONEST: readonly StoredRow[] = CHAIN.map(stored)
const WHOLE: FoldTask = { domainId: DOMAIN, fromSeq: 1, pins: [], now: MAX_MICROS, keyed: true, share: 1 }

/** Folds the rows that the task's COPY would return. */
function fold(rows: readonly StoredRow[], task: FoldTask): FoldResult {
  const { domainId, fromSeq, toSeq, pins } = task
  const judge = new ChainFold({ domainId, fromSeq, toSeq, pins, hasher: nodeHasher })
  const asked = rows.filter(({ seq }) => (fromSeq === 1 || seq >= fromSeq - 1) && seq <= (toSeq ?? seq))
  for (const row of asked) judge.add(row)
  return judge.finish()
}

function inParts(rows: readonly StoredRow[], task: FoldTask, end: number, count: number) {
  const parts = cutParts(task, end, count)
  return joinParts(
    parts,
    parts.map((part) => fold(rows, part)),
  )
}

const parts = fc.integer({ min: 2, max: 5 })
const seqs = fc.integer({ min: 1, max: LENGTH })

/** Rows with one manipulation. */
const tampering = fc.oneof(
  seqs.map((seq) => HONEST.filter((row) => row.seq !== seq)),
  seqs.map((seq) => HONEST.flatMap((row) => (row.seq === seq ? [row, row] : [row]))),
  seqs.map((at) => HONEST.map((row) => (row.seq === at ? { ...row, entryHash: 'f1'.repeat(32) } : row))),
  seqs.map((at) => HONEST.map((row) => (row.seq === at ? { ...row, prevHash: 'f1'.repeat(32) } : row))),
  seqs.map((at) => HONEST.map((row) => (row.seq === at ? { ...row, problem: 'a column is NULL' } : row))),
  seqs.map((at) => HONEST.map((row) => (row.seq === at ? { ...row, unknownGeneration: 2 } : row))),
  seqs.map((at) =>
    CHAIN.map((row) => stored(row.seq === at ? rehashed({ ...row, relation: 'project.delete' }) : row)),
  ),
  seqs.map((seq) => [{ ...(HONEST[0] as StoredRow), seq: -seq }, ...HONEST]),
)

describe('cutParts and joinParts', () => {
  it('give the same result as one fold if every part is intact', () => {
    fc.assert(
      fc.property(parts, seqs, seqs, (count, one, other) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)]
        fc.pre(to - from + 1 >= count)
        const task = { ...WHOLE, fromSeq: from, toSeq: to }
        expect(inParts(HONEST, task, to, count)).toEqual(fold(HONEST, task))
      }),
    )
    expect(inParts(HONEST, WHOLE, LENGTH, 3)).toEqual(fold(HONEST, WHOLE))
  })

  it('give no result if anything is wrong', () => {
    fc.assert(
      fc.property(tampering, parts, (rows, count) => {
        const whole = fold(rows, WHOLE)
        const isIntact = whole.findings.length === 0 && whole.unchecked === undefined
        const end = Math.max(...rows.map(({ seq }) => seq))
        expect(inParts(rows, WHOLE, end, count)).toEqual(isIntact ? whole : undefined)
      }),
      { numRuns: 1000 },
    )
  })

  it('check each pin in exactly one part', () => {
    const pin = (seq: number, hash = HONEST[seq - 1]?.entryHash ?? '') => ({ seq, hash })
    for (let seq = 3; seq <= LENGTH; seq += 1) {
      const task = { ...WHOLE, fromSeq: 4, pins: [pin(seq)] }
      expect(cutParts(task, LENGTH, 3).flatMap(({ pins }) => pins)).toEqual(task.pins)
      expect(inParts(HONEST, task, LENGTH, 3)).toEqual(fold(HONEST, task))
      const wrong = { ...task, pins: [pin(seq, 'f1'.repeat(32))] }
      expect(inParts(HONEST, wrong, LENGTH, 3)).toBeUndefined()
    }
    const beyond = { ...WHOLE, pins: [{ seq: LENGTH + 1, hash: 'f1'.repeat(32) }] }
    expect(inParts(HONEST, beyond, LENGTH, 3)).toBeUndefined()
  })
})
