import { describe, expect, it } from 'vitest'
import { nodeTreeHasher } from '../../src/base/crypto/node-tree-hasher.js'
import { Frontier, subtreesOf } from '../../src/chain/tree/frontier.js'
import { rootOf } from '../../src/chain/tree/inclusion.js'
import { tileRoot } from '../../src/chain/tree/tiles.js'
import { definedPath, definedRoot, entryHash, HASHER, hex, TLOG, unhex } from '../support/tlog-vectors.js'

const leaves = Array.from({ length: 1100 }, (_, index) => entryHash(index))

/** The roots and subtrees of the sizes that the vectors name, of one tree that grows. */
const sizes = new Set([...TLOG.trees, ...TLOG.frontiers, ...TLOG.inclusion].map(({ size }) => size))
const grown = new Map<number, { root: Uint8Array | undefined; roots: readonly Uint8Array[] }>()
const frontier = new Frontier(HASHER)
for (const last = Math.max(...sizes); frontier.size < last; ) {
  frontier.append(entryHash(frontier.size))
  const { size, roots } = frontier
  if (sizes.has(size)) grown.set(size, { root: frontier.root(), roots: [...roots] })
}

it('hashes by OpenSSL as the portable hasher does', () => {
  const [left, right] = [entryHash(1), entryHash(2)]
  const hashes = [nodeTreeHasher.leaf(left), nodeTreeHasher.node(left, right), nodeTreeHasher.leaf(right)]
  expect(hashes.map(hex)).toEqual([HASHER.leaf(left), HASHER.node(left, right), HASHER.leaf(right)].map(hex))
  const tile = Buffer.concat(leaves.slice(0, 256))
  expect(hex(tileRoot(tile, nodeTreeHasher))).toBe(hex(tileRoot(tile, HASHER)))
  expect(() => tileRoot(tile.subarray(1), nodeTreeHasher)).toThrow(RangeError)
  expect(() => nodeTreeHasher.leaf(new Uint8Array(31))).toThrow(RangeError)
  expect(() => nodeTreeHasher.node(left, new Uint8Array(33))).toThrow(RangeError)
})

describe('the tree of an independent implementation', () => {
  it('has the same leaves', () => {
    expect(TLOG.first_entry_hashes.map((_, index) => hex(entryHash(index)))).toEqual(TLOG.first_entry_hashes)
    expect(TLOG.first_leaf_hashes.map((_, index) => hex(HASHER.leaf(entryHash(index))))).toEqual(
      TLOG.first_leaf_hashes,
    )
  })

  it.each(TLOG.trees.filter(({ size }) => size > 0))(
    'has the same root of $size leaves',
    ({ size, root }) => {
      expect(grown.get(size)?.root).toEqual(unhex(root))
    },
  )

  it.each(TLOG.frontiers)('has the same subtrees of $size leaves', ({ size, hashes }) => {
    expect(grown.get(size)?.roots).toEqual(hashes.map(unhex))
  })

  it.each(TLOG.inclusion)('is reached from leaf $index of $size', ({ index, size, path }) => {
    const leafHash = HASHER.leaf(entryHash(index))
    const root = rootOf({ leafHash, index, size, path: path.map(unhex) }, HASHER)
    expect(root).toEqual(grown.get(size)?.root)
  })
})

it('agrees with the recursive definition for every size up to 1,100', () => {
  const growing = new Frontier(HASHER)
  for (const [index, leaf] of leaves.entries()) {
    growing.append(leaf)
    const root = definedRoot(leaves.slice(0, growing.size))
    const inclusion = {
      leafHash: HASHER.leaf(leaf),
      index,
      size: growing.size,
      path: growing.lastPath() ?? [],
    }
    expect(Buffer.from(growing.root() ?? [])).toEqual(Buffer.from(root))
    expect(rootOf(inclusion, HASHER)).toEqual(growing.root())
  }
})

it('accepts the path of every leaf of every size up to 40, and no other path', () => {
  for (let size = 1; size <= 40; size += 1) {
    const some = leaves.slice(0, size)
    const root = definedRoot(some)
    for (const [index, leaf] of some.entries()) {
      const path = definedPath(index, some)
      const given = { leafHash: HASHER.leaf(leaf), index, size, path }
      expect(rootOf(given, HASHER)).toEqual(root)
      expect(rootOf({ ...given, path: [...path, root] }, HASHER)).toBeUndefined()
      if (path.length > 0) expect(rootOf({ ...given, path: path.slice(1) }, HASHER)).not.toEqual(root)
      expect(rootOf({ ...given, index: size }, HASHER)).toBeUndefined()
    }
  }
})

it('continues a tree from its subtrees, also beyond 2^32 leaves', () => {
  const size = 2 ** 40 + 3
  const roots = [1, 2, 3].map(entryHash)
  const continued = new Frontier(HASHER, size, roots)
  continued.append(entryHash(9))
  expect([continued.size, continued.roots.length]).toEqual([size + 1, 2])
  const inclusion = {
    leafHash: HASHER.leaf(entryHash(9)),
    index: size,
    size: size + 1,
    path: continued.lastPath() ?? [],
  }
  expect(rootOf(inclusion, HASHER)).toEqual(continued.root())
  expect(new Frontier(HASHER, size, roots).lastPath()).toBeUndefined()
})

it('counts the full subtrees of a size', () => {
  expect([0, 1, 5, 255, 2 ** 53 - 1].map(subtreesOf)).toEqual([0, 1, 2, 8, 53])
})

it.each([
  ['with too few subtrees', () => new Frontier(HASHER, 3, [entryHash(1)])],
  ['of a negative size', () => new Frontier(HASHER, -1, [])],
  ['of a size that is no number', () => new Frontier(HASHER, Number.NaN, [])],
  ['beyond 2^53-1 leaves', () => fullTree().append(entryHash(1))],
])('refuses a tree %s', (_why, make) => {
  expect(make).toThrow(RangeError)
})

function fullTree(): Frontier {
  const size = Number.MAX_SAFE_INTEGER
  return new Frontier(HASHER, size, Array(subtreesOf(size)).fill(entryHash(0)))
}
