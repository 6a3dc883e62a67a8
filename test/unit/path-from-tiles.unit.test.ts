import { describe, expect, it } from 'vitest'
import { rootOf } from '../../src/chain/tree/inclusion.js'
import {
  fullSubtrees,
  joinSubtrees,
  nodeKey,
  nodesOfPath,
  pathNodes,
  tileHashes,
  tilePart,
} from '../../src/chain/tree/path-from-tiles.js'
import { rootOfEqual, splitTile } from '../../src/chain/tree/tiles.js'
import { definedPath, definedRoot, entryHash, HASHER, hex, TLOG } from '../support/tlog-vectors.js'

const leaves = Array.from({ length: 300 }, (_, index) => entryHash(index))

/** Returns the path of a leaf from its full subtrees, each by the recursive definition. */
function pathOf(index: number, size: number): Uint8Array[] {
  return pathNodes(index, size).map((node) =>
    joinSubtrees(
      fullSubtrees(node, size).map((full) =>
        definedRoot(leaves.slice(full.index * 2 ** full.level, (full.index + 1) * 2 ** full.level)),
      ),
      HASHER,
    ),
  )
}

describe('the path of a leaf', () => {
  it('is made of full subtrees, for every leaf of every size up to 40', () => {
    for (let size = 1; size <= 40; size += 1) {
      for (let index = 0; index < size; index += 1)
        expect(pathOf(index, size).map(hex)).toEqual(definedPath(index, leaves.slice(0, size)).map(hex))
    }
  })

  it.each(TLOG.inclusion.filter(({ size }) => size <= leaves.length))(
    'is that of the vectors for leaf $index of $size',
    ({ index, size, path }) => {
      expect(pathOf(index, size).map(hex)).toEqual(path)
    },
  )

  it.each(TLOG.inclusion)('has as many nodes as the vectors for leaf $index of $size', (vector) => {
    expect(pathNodes(vector.index, vector.size)).toHaveLength(vector.path.length)
  })

  it('has nodes beyond 2^32 leaves', () => {
    const size = 2 ** 53 - 1
    expect(pathNodes(0, size)).toHaveLength(53)
    const [last] = pathNodes(0, size).slice(-1)
    expect(last).toEqual({ level: 52, index: 1 })
    const subtrees = fullSubtrees({ level: 52, index: 1 }, size)
    expect(subtrees.map(({ level }) => level)).toEqual(Array.from({ length: 52 }, (_, at) => 51 - at))
    expect(tilePart(subtrees[0] ?? { level: 0, index: 0 })).toEqual({ level: 6, tile: 0, from: 16, count: 8 })
  })
})

it('knows the nodes that a path passes, those at the end of the tree included', () => {
  for (let size = 1; size <= 40; size += 1) {
    const some = leaves.slice(0, size)
    const last = size - 1
    const inclusion = {
      leafHash: HASHER.leaf(entryHash(last)),
      index: last,
      size,
      path: definedPath(last, some),
    }
    const known = nodesOfPath(inclusion, HASHER)
    for (const [key, hash] of known) {
      const [level = 0, index = 0] = key.split(':').map(Number)
      expect(hex(hash)).toBe(hex(definedRoot(some.slice(index * 2 ** level, (index + 1) * 2 ** level))))
    }
    // The path of any other leaf ends in these nodes.
    for (let index = 0; index < last; index += 1)
      expect(known.has(nodeKey(pathNodes(index, size).at(-1) ?? { level: -1, index: 0 }))).toBe(true)
    expect(rootOf(inclusion, HASHER)).toBeDefined()
  }
})

describe('a tile', () => {
  const tile = Buffer.concat(leaves.slice(0, 256).map((leaf) => HASHER.leaf(leaf)))

  it('gives the full subtrees above its hashes', () => {
    const hashes = splitTile(tile)
    for (const level of [0, 1, 7])
      for (const index of [0, 1]) {
        const { from, count, ...where } = tilePart({ level, index })
        expect(where).toEqual({ level: 0, tile: 0 })
        const expected = definedRoot(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level))
        expect(hex(rootOfEqual(hashes.slice(from, from + count), HASHER))).toBe(hex(expected))
      }
    expect(tilePart({ level: 8, index: 257 })).toEqual({ level: 1, tile: 1, from: 1, count: 1 })
  })

  it.each([0, 1, 8191, 8193])('of %i bytes is not read', (length) => {
    expect(() => splitTile(new Uint8Array(length))).toThrow(RangeError)
  })

  it.each([
    [0, 0, 255, 255],
    [0, 0, 257, 256],
    [0, 1, 257, 1],
    [1, 0, 65_535, 255],
    [1, 0, 65_536, 256],
    [2, 0, 65_535, 0],
    [2, 0, 1_000_000, 15],
  ])('of level %i and number %i has, in a tree of %i leaves, %i hashes', (level, number, size, count) => {
    expect(tileHashes(level, number, size)).toBe(count)
  })
})
