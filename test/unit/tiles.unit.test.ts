import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Frontier } from '../../src/chain/tree/frontier.js'
import {
  completeTile,
  type FilledTile,
  type FullTile,
  TileBuilder,
  tileRoot,
} from '../../src/chain/tree/tiles.js'
import { entryHash, HASHER, hex, sha256, TLOG } from '../support/tlog-vectors.js'

const leaves = Array.from({ length: 70_000 }, (_, index) => HASHER.leaf(entryHash(index)))

/** Grows a tree from one size to another, and returns its new tiles. */
function grow(frontier: Frontier, to: number, data = entryHash): FilledTile[] {
  const builder = new TileBuilder(frontier.size)
  const grown = new Frontier(HASHER, frontier.size, frontier.roots, builder.onSubtree)
  while (grown.size < to) grown.append(data(grown.size))
  return builder.take()
}

/** Returns the subtree roots that a tile has at some of its places, by its definition. */
function older({ level, index, older: count }: FilledTile): Uint8Array[] {
  const width = 256 ** level
  return Array.from({ length: count }, (_, at) => {
    const from = (256 * index + at) * width
    return perfectRoot(leaves.slice(from, from + width))
  })
}

function perfectRoot(hashes: readonly Uint8Array[]): Uint8Array {
  const [only] = hashes
  if (only === undefined || hashes.length === 1) return only ?? new Uint8Array()
  const half = hashes.length / 2
  return HASHER.node(perfectRoot(hashes.slice(0, half)), perfectRoot(hashes.slice(half)))
}

const FULL = /^tile\/(\d+)\/(\d{3})$/

describe('the tiles of an independent implementation', () => {
  it.each(TLOG.tiles)('are those of $size leaves', ({ size, files }) => {
    const tiles = grow(new Frontier(HASHER), size)
    const nameOf = ({ level, index }: FullTile) => `tile/${level}/${String(index).padStart(3, '0')}`
    const named = new Map(tiles.map((tile) => [nameOf(tile), hex(sha256(tile.hashes))]))
    const expected = Object.entries(files).filter(([name]) => FULL.test(name))
    expect(expected.map(([name]) => [name, named.get(name)])).toEqual(
      expected.map(([name, { sha256: hash }]) => [name, hash]),
    )
    expect(tiles.length).toBe(Math.floor(size / 256) + Math.floor(size / 65_536))
  })
})

describe('tiles of a tree that grows in steps', () => {
  it('are the same, wherever a step ends', () => {
    const whole = new Map(
      grow(new Frontier(HASHER), 66_000).map((tile) => [`${tile.level}/${tile.index}`, tile]),
    )
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 66_000 }), fc.integer({ min: 0, max: 1_000 }), (from, rows) => {
        const begun = new Frontier(HASHER)
        while (begun.size < from) begun.append(entryHash(begun.size))
        for (const tile of grow(begun, Math.min(from + rows, 66_000))) {
          const made = completeTile(tile, older(tile), HASHER)
          expect(made?.hashes).toEqual(whole.get(`${tile.level}/${tile.index}`)?.hashes)
          expect(tileRoot(made?.hashes ?? new Uint8Array(), HASHER)).toEqual(tile.root)
        }
      }),
      { numRuns: 6 },
    )
  })

  it('hold rows from before the step at both levels', () => {
    const begun = new Frontier(HASHER)
    while (begun.size < 65_500) begun.append(entryHash(begun.size))
    const tiles = grow(begun, 65_600)
    expect(tiles.map(({ level, index, older: count }) => [level, index, count])).toEqual([
      [0, 255, 220],
      [1, 0, 255],
    ])
  })
})

describe('a tile with older hashes', () => {
  const begun = new Frontier(HASHER)
  while (begun.size < 300) begun.append(entryHash(begun.size))
  const [tile] = grow(begun, 512) as [FilledTile]
  const right = older(tile)

  it.each([
    ['are the right ones', right, true],
    ['are too few', right.slice(1), false],
    ['are too many', [...right, ...right.slice(0, 1)], false],
    ['have another hash', [...right.slice(0, 3), entryHash(1), ...right.slice(4)], false],
    ['have a hash of 31 bytes', [...right.slice(0, 3), entryHash(1).subarray(1), ...right.slice(4)], false],
  ])('is complete only where they fit: they %s', (_why, hashes, fits) => {
    expect(completeTile(tile, hashes, HASHER) !== undefined).toBe(fits)
  })

  it('needs none where the step has all of its leaves', () => {
    const [all] = grow(new Frontier(HASHER), 256) as [FilledTile]
    expect(completeTile(all, [], HASHER)).toEqual({ level: 0, index: 0, hashes: all.hashes })
  })
})

it('refuses to hash a tile of another length', () => {
  expect(() => tileRoot(new Uint8Array(8_191), HASHER)).toThrow(RangeError)
})
