import { expect, it } from 'vitest'
import { readRows } from '../../src/chain/log/row-items.js'
import { Frontier } from '../../src/chain/tree/frontier.js'
import { Holes, leafData } from '../../src/chain/tree/holes.js'
import { HASHER, hex, TLOG, unhex } from '../support/tlog-vectors.js'

const { rows, signed_over: signedOver, leaf_data: data, root } = TLOG.holes
const range = (item: string) => readRows(item.replace('rows:', '')) ?? { from: 0, to: 0 }
const row = (seq: number, prevHash = '00', entryHash = 'ff') => ({
  seq,
  prevHash: unhex(prevHash.repeat(32)),
  entryHash: unhex(entryHash.repeat(32)),
})

it('gives a tree with a hole the leaves and the root of an independent implementation', () => {
  const stored = rows.map(({ seq, prev_hash: prev, entry_hash: entry }) => ({
    seq,
    prevHash: unhex(prev),
    entryHash: unhex(entry),
  }))
  const leaves = [...leafData(0, stored)]
  const frontier = new Frontier(HASHER)
  expect(new Holes(signedOver.map(range)).outside(1, 8)).toEqual([
    { from: 1, to: 2 },
    { from: 6, to: 8 },
  ])
  for (const leaf of leaves) frontier.append(leaf)
  expect(leaves.map(hex)).toEqual(data)
  expect(hex(frontier.root() ?? new Uint8Array())).toBe(root)
})

it.each([
  ['no range', [], []],
  [
    'ranges out of order',
    ['rows:9-9', 'rows:3-5'],
    [
      [3, 5],
      [9, 9],
    ],
  ],
  ['ranges that touch', ['rows:3-5', 'rows:6-8'], [[3, 8]]],
  ['ranges that overlap', ['rows:3-5', 'rows:2-4', 'rows:5-5'], [[2, 5]]],
  ['a range inside another one', ['rows:3-9', 'rows:4-5'], [[3, 9]]],
])('makes holes of %s', (_why, items, expected) => {
  const holes = new Holes(items.map(range))
  expect(holes.ranges.map(({ from, to }) => [from, to])).toEqual(expected)
})

it('finds the hole of a row', () => {
  const holes = new Holes(['rows:3-5', 'rows:9-9', 'rows:20-30'].map(range))
  const inHoles = Array.from({ length: 32 }, (_, seq) => seq).filter((seq) => holes.at(seq) !== undefined)
  expect(inHoles).toEqual([3, 4, 5, 9, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30])
})

it('gives the last leaf of a hole the prev_hash of the row after it, and the others zeros', () => {
  const after = (size: number) =>
    [...leafData(size, [row(3, '0a', '0b'), row(5, '0c', '0d'), row(6)])].map((leaf) => hex(leaf).slice(0, 2))
  expect(after(0)).toEqual(['00', '0a', '0b', '0c', '0d', 'ff'])
  expect(after(1)).toEqual(['0a', '0b', '0c', '0d', 'ff'])
  expect(after(2)).toEqual(['0b', '0c', '0d', 'ff'])
})

it.each([
  [
    1,
    40,
    [
      [1, 2],
      [6, 8],
      [10, 19],
      [31, 40],
    ],
  ],
  [3, 5, []],
  [4, 9, [[6, 8]]],
  [9, 10, [[10, 10]]],
  [25, 30, []],
  [31, 31, [[31, 31]]],
])('has rows outside holes from %i to %i', (from, to, expected) => {
  const holes = new Holes(['rows:3-5', 'rows:9-9', 'rows:20-30'].map(range))
  expect(holes.outside(from, to).map((one) => [one.from, one.to])).toEqual(expected)
})
