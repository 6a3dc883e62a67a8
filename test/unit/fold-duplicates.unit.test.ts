import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { FINDING_CODES } from '../../src/chain/finding.js'
import type { StoredRow } from '../../src/chain/fold.js'
import { rehashed, stored } from '../support/chain-builder.js'
import {
  brokenLink,
  duplicate,
  type Expected,
  expectAttack,
  F1,
  F2,
  folded,
  hashOf,
  honest,
  inOrder,
  LENGTH,
  mismatch,
  row,
} from '../support/fold-cases.js'

describe('duplicated seq', () => {
  const forged = rehashed({ ...row(4), relation: 'forged' })
  const careless = { ...forged, entryHash: F1 }
  const elsewhere = rehashed({ ...forged, prevHash: F2 })
  const lastForged = rehashed({ ...row(LENGTH), relation: 'forged' })
  const CASES: readonly (readonly [string, ChainedEntry, Expected[]])[] = [
    ['a forgery that hashes', forged, []],
    ['an exact copy', row(4), []],
    ['a forgery that does not hash', careless, [mismatch(careless)]],
    ['a forgery with another prev_hash', elsewhere, [brokenLink(4, hashOf(3), F2)]],
    ['a second genesis row', rehashed({ ...row(1), relation: 'forged' }), []],
    ['a second last row', lastForged, []],
  ]
  const byCode = (a: Expected, b: Expected) => FINDING_CODES.indexOf(a.code) - FINDING_CODES.indexOf(b.code)

  it.each(CASES)('is found: %s, stored last', (_name, extra, more) => {
    const rows = inOrder([...honest, extra].map(stored))
    const findings = [...more, duplicate(extra.seq, hashOf(extra.seq), extra.entryHash)].sort(byCode)
    expectAttack({ name: '', rows, findings })
  })

  it.each(CASES)('is found: %s, stored first', (_name, extra, more) => {
    const rows = inOrder([extra, ...honest].map(stored))
    const findings = [...more, duplicate(extra.seq, extra.entryHash, hashOf(extra.seq))].sort(byCode)
    expectAttack({ name: '', rows, findings })
  })

  it('does not hide a prev_hash that was changed from one row to the other', () => {
    const changedOver = { ...row(5), prevHash: forged.entryHash }
    const rows = inOrder([...honest.filter((r) => r.seq !== 5), forged, changedOver].map(stored))
    const findings = [duplicate(4, hashOf(4), forged.entryHash), brokenLink(5, hashOf(4), forged.entryHash)]
    expectAttack({ name: '', rows, findings })
  })

  it('is one finding, however many rows there are, and the link after up to 16 rows is judged', () => {
    const forgeries = (count: number) =>
      Array.from({ length: count }, (_, i) => rehashed({ ...row(4), relation: `forged${i}` }))
    const nextEdited = rehashed({ ...row(5), prevHash: F1 })
    const rest = [...honest.filter((r) => r.seq !== 5), nextEdited]
    const fewer = inOrder([...rest, ...forgeries(15)].map(stored))
    const codes = (rows: readonly StoredRow[]) =>
      folded(rows).findings.map((f) => [f.code, f.seqFrom, f.seqTo])
    expect(codes(fewer)).toEqual([
      ['duplicate_seq', 4, 4],
      ['broken_link', 5, 6],
    ])
    const more = inOrder([...rest, ...forgeries(16)].map(stored))
    expect(codes(more)).toEqual([
      ['duplicate_seq', 4, 4],
      ['broken_link', 6, 6],
    ])
  })

  it('is found at the same seqs in every order of the duplicates', () => {
    const extra = fc.record({
      seq: fc.integer({ min: 2, max: 5 }),
      relation: fc.constantFrom('a', 'b'),
      prevHash: fc.option(fc.constantFrom(F1, hashOf(1), hashOf(2), hashOf(3)), { nil: undefined }),
      entryHash: fc.option(fc.constantFrom(F2, hashOf(3)), { nil: undefined }),
    })
    const forge = (e: typeof extra extends fc.Arbitrary<infer T> ? T : never): StoredRow => {
      const made = rehashed({
        ...row(e.seq),
        relation: e.relation,
        prevHash: e.prevHash ?? hashOf(e.seq - 1),
      })
      return stored({ ...made, entryHash: e.entryHash ?? made.entryHash })
    }
    fc.assert(
      fc.property(
        fc.array(extra, { minLength: 1, maxLength: 20 }),
        fc.infiniteStream(fc.nat()),
        (extras, random) => {
          const rows = [...honest.map(stored), ...extras.map(forge)]
          const shuffled = rows.map((r) => [random.next().value, r] as const).sort((a, b) => a[0] - b[0])
          const at = (r: readonly StoredRow[]) =>
            folded(inOrder(r)).findings.map((f) => [f.code, f.seqFrom, f.seqTo])
          expect(at(shuffled.map(([, r]) => r))).toEqual(at(rows))
        },
      ),
    )
  })
})
