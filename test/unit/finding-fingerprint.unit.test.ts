import { describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { type Finding, Findings } from '../../src/chain/finding.js'
import { findingFingerprint } from '../../src/chain/finding-fingerprint.js'
import { ChainFold, type StoredRow } from '../../src/chain/fold.js'
import { chainOf, rehashed, stored } from '../support/chain-builder.js'

const honest = chainOf(8)

function found(rows: readonly StoredRow[]): readonly Finding[] {
  const fold = new ChainFold({ fromSeq: 1, hasher: nodeHasher })
  for (const row of rows) fold.add(row)
  return fold.finish().findings
}

function edited(edits: Readonly<Record<number, (row: ChainedEntry) => ChainedEntry>>): StoredRow[] {
  return honest.map((row) => stored(edits[row.seq]?.(row) ?? row))
}

/** Returns the fingerprints of all findings, as one text. */
function printsOf(rows: readonly StoredRow[]): string {
  return found(rows)
    .map((finding) => findingFingerprint(finding, 'postgres'))
    .join()
}

const accident = (row: ChainedEntry): ChainedEntry => ({ ...row, correlationId: 'accident' })
const attack = (row: ChainedEntry): ChainedEntry => ({ ...row, relation: 'something.else' })
const unlinked = (row: ChainedEntry): ChainedEntry => rehashed({ ...row, prevHash: 'f1'.repeat(32) })

/** Returns the chain with a byte behind the last row's canonical bytes, whose entry_hash stays as it was. */
function overlong(byte: number): StoredRow[] {
  const rows = honest.map(stored)
  const last = rows.at(-1) as StoredRow
  const canonical = Uint8Array.from([...(last.canonical ?? []), byte])
  return [...rows.slice(0, -1), { ...last, canonical, entryHash: undefined }]
}

describe('findingFingerprint', () => {
  it('is the same each time the same damage is found', () => {
    const damage = () => edited({ 5: accident, 6: accident })
    expect(found(damage())).toMatchObject([{ code: 'entry_hash_mismatch', seqFrom: 5, seqTo: 6 }])
    expect(printsOf(damage())).toBe(printsOf(damage()))
  })

  it.each<[string, StoredRow[], StoredRow[]]>([
    [
      'the last row of a range is edited anew, and its stored hashes stay',
      edited({ 5: accident, 6: accident }),
      edited({ 5: accident, 6: attack }),
    ],
    [
      'a row inside a range is edited anew',
      edited({ 4: accident, 5: accident, 6: accident }),
      edited({ 4: accident, 5: attack, 6: accident }),
    ],
    [
      'a stored entry_hash inside a range changes',
      edited({ 5: accident, 6: accident }),
      edited({ 5: accident, 6: (row) => ({ ...accident(row), entryHash: 'f2'.repeat(32) }) }),
    ],
    [
      'the last row, whose link is broken, is rewritten and hashed again',
      edited({ 8: unlinked }),
      edited({ 8: (row) => unlinked(attack(row)) }),
    ],
    ['a malformed row is malformed in another way', overlong(1), overlong(2)],
    [
      'the stored bytes of a row without canonical bytes change',
      [{ seq: 1, problem: 'a column is NULL', bytesHash: 'a' }],
      [{ seq: 1, problem: 'a column is NULL', bytesHash: 'b' }],
    ],
    [
      'a duplicate of a row is edited',
      [...honest.map(stored), { ...stored(accident(honest[7] as ChainedEntry)) }],
      [...honest.map(stored), { ...stored(attack(honest[7] as ChainedEntry)) }],
    ],
    [
      'a gap has other rows after it',
      honest.filter(({ seq }) => seq !== 4).map(stored),
      honest.filter(({ seq }) => seq !== 4 && seq !== 5).map(stored),
    ],
  ])('changes when %s', (_what, before, after) => {
    expect(found(before).length).toBeGreaterThan(0)
    expect(printsOf(after)).not.toBe(printsOf(before))
  })

  it('names rows that one copy lost alike, whether that copy was read alone or beside the other', () => {
    const hash = (seq: number) => honest[seq - 1]?.entryHash
    const [gap] = found(honest.filter(({ seq }) => seq !== 4 && seq !== 5).map(stored))
    const lost = (code: 'row_missing' | 'object_missing'): Finding => {
      const findings = new Findings()
      for (const seq of [4, 5])
        findings.add({ code, seqFrom: seq, seqTo: seq, expected: hash(seq), detail: '' })
      return findings.sorted()[0] as Finding
    }
    const print = (finding: Finding | undefined, source: 'postgres' | 'mirror' | 'both') =>
      findingFingerprint(finding as Finding, source)
    expect(print(lost('row_missing'), 'both')).toBe(print(gap, 'postgres'))
    expect(print(lost('object_missing'), 'both')).toBe(print(gap, 'mirror'))
    expect(print(lost('object_missing'), 'mirror')).toBe(print(gap, 'mirror'))
    expect(print(gap, 'postgres')).not.toBe(print(gap, 'mirror'))
    expect(print(gap, 'both')).not.toBe(print(gap, 'postgres'))
  })

  it('distinguishes damage in one copy from the same damage in both', () => {
    const [mismatch] = found(edited({ 5: accident })) as [Finding]
    const print = (copy: Finding['copy'], source: 'postgres' | 'both') =>
      findingFingerprint({ ...mismatch, copy }, source)
    expect(print('postgres', 'both')).toBe(print(undefined, 'postgres'))
    expect(print('both', 'both')).not.toBe(print(undefined, 'postgres'))
    expect(print('mirror', 'both')).not.toBe(print(undefined, 'postgres'))
  })

  it('ignores the wording of the detail, and the end of a chain that is missing', () => {
    const missing = { code: 'chain_missing', seqFrom: 1, rows: 'none' } as const
    expect(findingFingerprint({ ...missing, seqTo: 1, detail: 'no rows' }, 'postgres')).toBe(
      findingFingerprint({ ...missing, seqTo: 9, detail: 'it has no rows' }, 'both'),
    )
  })
})
