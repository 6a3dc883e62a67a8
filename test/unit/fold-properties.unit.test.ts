import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../../src/chain/canonical.js'
import type { Entry } from '../../src/chain/entry.js'
import type { Finding } from '../../src/chain/finding.js'
import type { StoredRow } from '../../src/chain/fold.js'
import { isHash } from '../../src/chain/hash.js'
import { DOMAIN, entryAt, OTHER_DOMAIN, stored } from '../support/chain-builder.js'
import { entryArbitrary, hashArbitrary } from '../support/entry-arbitrary.js'
import {
  bare,
  folded,
  honest,
  LENGTH,
  mismatch,
  places,
  row,
  without,
  withRows,
  withStored,
} from '../support/fold-cases.js'

describe('damage', () => {
  const fields = Object.keys(entryAt(1)).filter((key) => key !== 'seq') as (keyof Entry)[]

  it('is found, in one field of one row, at that row or at the next row', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: LENGTH }),
        entryArbitrary,
        fc.constantFrom(...fields),
        (seq, other, field) => {
          const edited = { ...row(seq), [field]: other[field] }
          fc.pre(String(edited[field]) !== String(row(seq)[field]))
          expect(places(folded(withRows(edited)).findings)).toEqual([mismatch(edited)])
        },
      ),
    )
  })

  it('is found in one bit of the canonical bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LENGTH }), fc.nat(), fc.nat(7), (seq, at, bit) => {
        const canonical = encodeCanonical(row(seq))
        const place = at % canonical.length
        canonical[place] = (canonical[place] ?? 0) ^ (1 << bit)
        const { findings } = folded(withStored(bare(seq, { canonical })))
        expect(findings.map((f) => [f.code, f.seqFrom, f.seqTo])).toEqual([['entry_hash_mismatch', seq, seq]])
      }),
    )
  })

  it('is found in a hash', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: LENGTH }),
        fc.constantFrom('prevHash' as const, 'entryHash' as const),
        hashArbitrary,
        (seq, field, hash) => {
          const { findings } = folded(withRows({ ...row(seq), [field]: hash }))
          expect(findings.length).toBeGreaterThan(0)
          expect(findings.every((f) => f.seqFrom >= seq && f.seqTo <= seq + 1)).toBe(true)
        },
      ),
    )
  })

  it('is covered by the findings in many rows, and nothing else is', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: LENGTH })), (seqs) => {
        const edited = seqs.map((seq) => ({ ...row(seq), relation: 'x' }))
        expect(covered(folded(withRows(...edited)).findings)).toEqual([...seqs].sort((a, b) => a - b))
      }),
    )
  })

  it('is covered by the gaps where rows were deleted', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: LENGTH })), (seqs) => {
        const { findings } = folded(without(...seqs), { toSeq: LENGTH })
        expect(covered(findings)).toEqual([...seqs].sort((a, b) => a - b))
        expect(findings.every((f) => f.code === 'seq_gap')).toBe(true)
      }),
    )
  })
})

function covered(findings: readonly Finding[]): number[] {
  const seqs = findings.flatMap(({ seqFrom, seqTo }) =>
    Array.from({ length: seqTo - seqFrom + 1 }, (_, i) => seqFrom + i),
  )
  expect(new Set(seqs).size).toBe(seqs.length)
  return seqs.sort((a, b) => a - b)
}

describe('hostile rows', () => {
  const rowPart = fc.constantFrom(...honest)
  const hash = fc.oneof(
    hashArbitrary,
    rowPart.map((r) => r.entryHash),
    rowPart.map((r) => r.prevHash),
    fc.constantFrom('', 'zz', 'A'.repeat(64), '0'.repeat(62), `${'0'.repeat(64)}\n`, undefined),
  )
  const hostile: fc.Arbitrary<StoredRow> = fc.record({
    seq: fc.oneof(
      fc.integer({ min: -2, max: 12 }),
      fc.integer({ min: 1, max: 9 }),
      fc.double(),
      fc.maxSafeInteger(),
    ),
    canonical: fc.option(fc.oneof(rowPart.map(encodeCanonical), fc.uint8Array({ maxLength: 300 })), {
      nil: undefined,
    }),
    problem: fc.option(fc.string({ minLength: 1 }), { nil: undefined, freq: 3 }),
    unknownGeneration: fc.option(fc.integer(), { nil: undefined, freq: 8 }),
    prevHash: hash,
    entryHash: hash,
  })
  const options = fc.record({
    fromSeq: fc.integer({ min: 1, max: 6 }),
    toSeq: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    domainId: fc.constantFrom(DOMAIN, OTHER_DOMAIN, undefined),
    pins: fc.array(fc.record({ seq: fc.integer(), hash: fc.oneof(hashArbitrary, fc.string()) }), {
      maxLength: 3,
    }),
  })

  it('never make the fold throw, and its findings can be stored and printed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(hostile, rowPart.map(stored)), { maxLength: 12 }),
        options,
        (rows, given) => {
          const result = folded(rows, given)
          expect(result.rows).toBeLessThanOrEqual(rows.length)
          for (const f of result.findings) {
            expect(Number.isInteger(f.seqFrom) && Number.isInteger(f.seqTo)).toBe(true)
            expect(f.seqFrom).toBeLessThanOrEqual(f.seqTo)
            expect(Math.max(Math.abs(f.seqFrom), Math.abs(f.seqTo))).toBeLessThanOrEqual(2 ** 53)
            for (const text of [f.expected, f.observed]) expect(text === undefined || isHash(text)).toBe(true)
            expect(f.detail).not.toBe('')
          }
          expect(result.last === undefined || isHash(result.last.hash)).toBe(true)
        },
      ),
      { numRuns: 2000 },
    )
  })
})
