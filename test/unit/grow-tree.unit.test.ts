import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { encodeCanonical } from '../../src/chain/canonical.js'
import type { StoredRow } from '../../src/chain/fold.js'
import { Holes } from '../../src/chain/tree/holes.js'
import { completeTile } from '../../src/chain/tree/tiles.js'
import { type Grown, type Tree, TreeGrower, tileStart } from '../../src/signer/grow-tree.js'
import { signable } from '../../src/signer/signable.js'
import { chainRows } from '../support/chain-rows.js'
import { definedPath, definedRoot, HASHER, hex, unhex } from '../support/tlog-vectors.js'

const domainId = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const rows: StoredRow[] = chainRows(domainId, Array(600).fill({})).map((row) => ({
  seq: row.seq,
  canonical: encodeCanonical(row),
  prevHash: row.prevHash,
  entryHash: row.entryHash,
}))
const row = (seq: number) => rows[seq - 1] as StoredRow

interface Growing {
  readonly from?: Tree | undefined
  readonly to: number
  readonly holes?: Holes
  /** Rows of the chain as they are stored. */
  readonly stored?: readonly StoredRow[]
}

function grow({ from, to, holes = new Holes(), stored = rows }: Growing): Grown {
  const grower = new TreeGrower({ domainId, from, to, holes, hasher: nodeHasher })
  for (const one of stored) if (one.seq >= tileStart(from?.size ?? 0) - 1) grower.add(one)
  return grower.finish()
}

/** Returns the data of the leaves by the definition of holes. */
function leavesOf(to: number, holes: Holes): Uint8Array[] {
  return Array.from({ length: to }, (_, index) => {
    const seq = index + 1
    if (holes.at(seq) === undefined) return unhex(row(seq).entryHash ?? '')
    return holes.at(seq + 1) === undefined ? unhex(row(seq + 1).prevHash ?? '') : new Uint8Array(32)
  })
}

const ranges = fc
  .array(fc.tuple(fc.integer({ min: 2, max: 590 }), fc.integer({ min: 0, max: 9 })), { maxLength: 6 })
  .map((all) => new Holes(all.map(([from, more]) => ({ from, to: from + more }))))

/** Returns a size near this one that ends in a row with data. */
function sizeAt(seq: number, holes: Holes): number {
  return (holes.at(seq)?.from ?? seq + 1) - 1
}

function expectGrown(from: Tree | undefined, to: number, holes: Holes): Tree | undefined {
  const { tree, findings, filled, older } = grow({ from, to, holes })
  const leaves = leavesOf(to, holes)
  expect(findings).toEqual([])
  expect(tree?.root).toBe(hex(definedRoot(leaves)))
  expect(tree?.path).toEqual(definedPath(to - 1, leaves).map(hex))
  expect(tree?.lastEntryHash).toBe(row(to).entryHash)
  const whole = filled.map((tile) => completeTile(tile, tile.older === 0 ? [] : older, HASHER))
  expect(whole).not.toContain(undefined)
  return tree
}

describe('a tree that grows by the rows of a chain', () => {
  it('is the tree of its definition, wherever steps end and holes are', () => {
    fc.assert(
      fc.property(
        ranges,
        fc.array(fc.integer({ min: 1, max: 590 }), { minLength: 1, maxLength: 5 }),
        (holes, ends) => {
          let tree: Tree | undefined
          for (const end of [...ends].sort((a, b) => a - b).map((seq) => sizeAt(seq, holes)))
            if (end > (tree?.size ?? 0)) tree = expectGrown(tree, end, holes)
        },
      ),
      { numRuns: 60 },
    )
  })

  it.each<[string, (stored: StoredRow[]) => StoredRow[], number, string, number]>([
    [
      'an edited row',
      (all) => all.map((one) => (one.seq === 20 ? { ...one, canonical: row(21).canonical } : one)),
      19,
      'entry_hash_mismatch',
      20,
    ],
    ['a missing row', (all) => all.filter(({ seq }) => seq !== 20), 19, 'seq_gap', 20],
    ['missing rows at the end', (all) => all.filter(({ seq }) => seq < 40), 39, 'seq_gap', 40],
    [
      'a second row with one seq',
      (all) => all.flatMap((one) => (one.seq === 20 ? [one, one] : [one])),
      19,
      'duplicate_seq',
      20,
    ],
    [
      'the first new row',
      (all) => all.map((one) => (one.seq === 11 ? { ...one, entryHash: '00'.repeat(32) } : one)),
      10,
      'entry_hash_mismatch',
      11,
    ],
    [
      'a row that does not follow the signed one',
      (all) => all.map((one) => (one.seq === 11 ? { ...one, prevHash: '00'.repeat(32) } : one)),
      10,
      'broken_link',
      11,
    ],
  ])('ends before %s', (_why, change, size, code, seq) => {
    const { tree: from } = grow({ to: 10 })
    const grown = grow({ from, to: 50, stored: change(rows.filter((one) => one.seq <= 50)) })
    expect([grown.tree?.size ?? 10, grown.findings[0]?.code, grown.findings[0]?.seqFrom]).toEqual([
      size,
      code,
      seq,
    ])
    if (size > 10) expect(grown.tree?.root).toBe(hex(definedRoot(leavesOf(size, new Holes()))))
  })

  it('does not look at rows in holes, whatever they are', () => {
    const holes = new Holes([{ from: 12, to: 14 }])
    const stored = rows
      .filter(({ seq }) => seq !== 13)
      .map((one) => (one.seq === 12 ? { ...one, canonical: new Uint8Array(9) } : one))
    const grown = grow({ to: 30, holes, stored })
    expect(grown.findings).toEqual([])
    expect(grown.tree?.root).toBe(hex(definedRoot(leavesOf(30, holes))))
  })

  it('ends before a row that this program cannot judge', () => {
    const stored = rows.map((one) => (one.seq === 20 ? { ...one, unknownGeneration: 9 } : one))
    expect(grow({ to: 30, stored })).toMatchObject({ unchecked: 20, findings: [], tree: { size: 19 } })
  })

  it('stores no tile of older rows that were changed since they were signed', () => {
    const { tree: from } = grow({ to: 100 })
    const stored = rows.map((one) => (one.seq === 40 ? { ...one, entryHash: '00'.repeat(32) } : one))
    const grown = grow({ from, to: 300, stored })
    expect(grown.tree?.size).toBe(300)
    expect(grown.filled.map((tile) => completeTile(tile, grown.older, HASHER))).toEqual([undefined])
  })
})

describe('how far a chain can be signed', () => {
  const none = new Holes()
  it.each<[string, number, number[], number, number, Holes, number, boolean]>([
    ['to its last row', 9, [], 0, 9, none, 9, false],
    ['to the last row of the snapshot', 9, [], 0, 7, none, 7, false],
    ['to the row before the first that waits', 9, [8, 9], 3, 9, none, 7, false],
    ['not at all, where the next row waits', 9, [4, 9], 3, 9, none, 3, false],
    ['to the row before one that is held back', 9, [5, 5], 3, 9, none, 4, true],
    ['past a signed row that lost its stamp', 9, [2, 3], 3, 9, none, 9, false],
    ['past rows in holes', 9, [5, 6], 3, 9, new Holes([{ from: 5, to: 6 }]), 9, false],
    ['to the row before a hole at the end', 9, [], 3, 9, new Holes([{ from: 8, to: 9 }]), 7, false],
    [
      'to the row before a hole, and what waits after it',
      9,
      [5, 9],
      3,
      9,
      new Holes([{ from: 5, to: 6 }]),
      4,
      false,
    ],
    ['to the first of several that wait', 20, [5, 5, 9, 20], 3, 20, none, 4, true],
    ['by 2^20 rows in one step', 2 ** 21, [], 5, 2 ** 21, none, 2 ** 20 + 5, false],
  ])('%s', (_why, lastSeq, unstamped, size, cap, holes, to, isHeld) => {
    expect(signable({ lastSeq, unstamped }, size, cap, holes)).toEqual({ to, isHeld })
  })
})
