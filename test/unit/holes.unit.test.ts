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
  const leaves = [...leafData(stored, new Holes(signedOver.map(range)))]
  const frontier = new Frontier(HASHER)
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
  expect([1, 6, 7, 10, 31].map((seq) => holes.before(seq))).toEqual([0, 3, 0, 1, 11])
})

it('gives the last leaf of a hole the prev_hash of the row after it, and the others zeros', () => {
  const holes = new Holes(['rows:1-2', 'rows:4-4'].map(range))
  const leaves = [...leafData([row(3, '0a', '0b'), row(5, '0c', '0d')], holes)]
  expect(leaves.map((leaf) => hex(leaf).slice(0, 2))).toEqual(['00', '0a', '0b', '0c', '0d'])
})
