import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { ChainFold, type StoredRow } from '../../src/chain/fold.js'
import { MAX_MICROS, MIN_MICROS } from '../../src/chain/timestamp.js'
import { chained, chainOf, entryAt, rehashed, stored } from '../support/chain-builder.js'
import {
  type Attack,
  brokenLink,
  duplicate,
  expectAttack,
  F1,
  folded,
  gap,
  hashOf,
  honest,
  inOrder,
  LENGTH,
  malformed,
  mismatch,
  row,
  withRows,
} from '../support/fold-cases.js'

const T = row(4).recordedAt

/** Returns the honest chain with these times, hashed and linked again: nothing but the time can be wrong. */
function timed(times: Readonly<Record<number, bigint>>): ChainedEntry[] {
  return chained(honest.map((r) => ({ ...r, recordedAt: times[r.seq] ?? r.recordedAt })))
}
const hashIn = (rows: readonly ChainedEntry[], seq: number) => rows[seq - 1]?.entryHash ?? ''

const backdated = timed({ 4: T - 2n })
const backdatedTail = timed({ 4: T - 2n, 5: T - 3n, 6: T - 4n })
const future = timed({ 4: MAX_MICROS })
const poisoned = timed(Object.fromEntries([4, 5, 6, 7, 8].map((seq) => [seq, MAX_MICROS])))
const first = timed({ 1: MAX_MICROS })
const extremes = timed({ 1: MIN_MICROS, 8: MAX_MICROS })
const acrossGap = timed({ 5: T - 2n })
const equal = timed(Object.fromEntries(honest.map(({ seq }) => [seq, T])))
/** 2001-09-09: the low halves of the times cross the sign bit. */
const halves = timed(
  Object.fromEntries(honest.map(({ seq }) => [seq, (233n << 32n) + 0x7fff_fffcn + BigInt(seq)])),
)
const halvesBack = timed(
  Object.fromEntries(honest.map(({ seq }) => [seq, (233n << 32n) + 0x8000_0004n - BigInt(seq)])),
)

const CASES: readonly Attack[] = [
  { name: 'equal times', rows: equal.map(stored), findings: [] },
  { name: 'the first and the last possible time', rows: extremes.map(stored), findings: [] },
  { name: 'times whose low half crosses the sign bit', rows: halves.map(stored), findings: [] },
  {
    name: 'the same times backwards',
    rows: halvesBack.map(stored),
    findings: [{ ...malformed(2, hashIn(halvesBack, 2)), seqTo: LENGTH }],
  },
  {
    name: 'one backdated row',
    rows: backdated.map(stored),
    findings: [malformed(4, hashIn(backdated, 4))],
  },
  {
    name: 'rows that run backwards: one range',
    rows: backdatedTail.map(stored),
    findings: [{ ...malformed(4, hashIn(backdatedTail, 4)), seqTo: 6 }],
  },
  {
    name: 'a row of the year 9999 and the row after it',
    rows: future.map(stored),
    findings: [malformed(5, hashIn(future, 5))],
  },
  { name: 'rows that keep the time of a row of the year 9999', rows: poisoned.map(stored), findings: [] },
  {
    name: 'a genesis row of the year 9999',
    rows: first.map(stored),
    findings: [malformed(2, hashIn(first, 2))],
  },
  {
    name: 'a backdated row after a gap',
    rows: acrossGap.map(stored).filter(({ seq }) => seq !== 4),
    findings: [gap(4, 4, hashIn(acrossGap, 4)), malformed(5, hashIn(acrossGap, 5))],
  },
  {
    name: 'a backdated row whose hash was not recomputed: only the mismatch',
    rows: withRows({ ...row(4), recordedAt: T - 2n }),
    findings: [mismatch({ ...row(4), recordedAt: T - 2n })],
  },
  {
    name: 'a row of the year 9999 that does not recompute: later rows are not compared with it',
    rows: withRows({ ...row(4), recordedAt: MAX_MICROS }),
    findings: [mismatch({ ...row(4), recordedAt: MAX_MICROS })],
  },
  {
    name: 'a backdated row with another prev_hash that is hashed again',
    rows: withRows(rehashed({ ...row(4), recordedAt: T - 2n, prevHash: F1 })),
    findings: [
      malformed(4, rehashed({ ...row(4), recordedAt: T - 2n, prevHash: F1 }).entryHash),
      brokenLink(4, hashOf(3), F1, 5),
    ],
  },
  {
    name: 'a backdated row whose prev_hash alone was changed: it does not recompute',
    rows: backdated.map((r) => stored(r.seq === 4 ? { ...r, prevHash: F1 } : r)),
    findings: [brokenLink(4, hashOf(3), F1)],
  },
  {
    name: 'a row of another chain: later rows are not compared with it',
    rows: withRows(
      rehashed({ ...row(4), recordedAt: MAX_MICROS, domainId: '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2' }),
    ),
    findings: [
      malformed(
        4,
        rehashed({ ...row(4), recordedAt: MAX_MICROS, domainId: '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2' })
          .entryHash,
      ),
      brokenLink(
        5,
        rehashed({ ...row(4), recordedAt: MAX_MICROS, domainId: '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2' })
          .entryHash,
        row(5).prevHash,
      ),
    ],
    options: { domainId: row(1).domainId },
  },
]

describe('the time order', () => {
  it.each(CASES.map((attack) => [attack.name, attack] as const))('judges %s', (_name, attack) => {
    expectAttack(attack)
  })

  it('gives both times in the detail', () => {
    expect(folded(backdated.map(stored)).findings[0]?.detail).toBe(
      'recorded_at 2026-04-28T10:00:00.000002Z is before 2026-04-28T10:00:00.000003Z, the time of an earlier row',
    )
  })

  it.each([
    ['segment', [3, 4, 5, 6], { fromSeq: 4, toSeq: 6 }, [malformed(4, hashIn(backdated, 4))]],
    ['segment without its predecessor', [4, 5, 6], { fromSeq: 4, toSeq: 6 }, []],
    ['selection', [1, 3, 4, 8], { fromSeq: 1, isSelection: true }, [malformed(4, hashIn(backdated, 4))]],
  ] as const)('judges a %s', (name, seqs, options, findings) => {
    const rows = backdated.filter(({ seq }) => seqs.some((one) => one === seq)).map(stored)
    expectAttack({ name, rows, options, findings })
  })

  it('does not compare a segment with a predecessor that does not recompute', () => {
    const edited = backdated.map((r) => stored(r.seq === 3 ? { ...r, relation: 'edited' } : r))
    const rows = edited.filter(({ seq }) => seq >= 3)
    expectAttack({ name: '', rows, options: { fromSeq: 4 }, findings: [] })
  })

  it.each(['first', 'last'])('compares with the earliest row of a duplicated seq, stored %s', (place) => {
    const late = rehashed({ ...row(4), recordedAt: T + 100n })
    const rows = place === 'first' ? [late, ...honest] : [...honest, late]
    const [one, other] = place === 'first' ? [late, row(4)] : [row(4), late]
    const findings = [duplicate(4, one.entryHash, other.entryHash)]
    expectAttack({ name: '', rows: inOrder(rows.map(stored)), findings })
  })

  it('judges a backdated duplicate of a row that the fast path has passed', () => {
    const early = rehashed({ ...row(4), recordedAt: row(3).recordedAt - 1n })
    const rows = inOrder([...honest, early].map(stored))
    const findings = [malformed(4, early.entryHash), duplicate(4, hashOf(4), early.entryHash)]
    // The next row is compared with the earliest of the two.
    expectAttack({ name: '', rows, findings })
  })

  it('finds the same as a comparison of bigints, whatever the times', () => {
    const time = fc.oneof(
      fc.bigInt({ min: MIN_MICROS, max: MAX_MICROS }),
      fc.bigInt({ min: 0n, max: 3n }).map((n) => T + n),
      fc.bigInt({ min: -3n, max: 3n }),
    )
    fc.assert(
      fc.property(fc.array(time, { minLength: 2, maxLength: 12 }), (times) => {
        const rows = chained(times.map((recordedAt, i) => entryAt(i + 1, { recordedAt })))
        const early = times.flatMap((one, i) => (i > 0 && one < (times[i - 1] ?? one) ? [i + 1] : []))
        const found = folded(rows.map(stored)).findings.flatMap(({ seqFrom, seqTo }) =>
          Array.from({ length: seqTo - seqFrom + 1 }, (_, i) => seqFrom + i),
        )
        expect(found).toEqual(early)
      }),
    )
  })

  it('starts from the given time where the row before the segment is not added', () => {
    const fold = (from: number) => {
      const before = new ChainFold({ fromSeq: 1, hasher: nodeHasher })
      for (const one of backdated.slice(0, from - 1)) before.add(stored(one))
      const judge = new ChainFold({ fromSeq: from, notBefore: before.position.time, hasher: nodeHasher })
      for (const one of backdated.slice(from - 1)) judge.add(stored(one) satisfies StoredRow)
      return judge.finish().findings.length
    }
    expect([fold(4), fold(5)]).toEqual([1, 0])
  })

  it('accepts a chain of one time by every path', () => {
    expect(folded(chainOf(50, { recordedAt: T }).map(stored)).findings).toEqual([])
  })
})
