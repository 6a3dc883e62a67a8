import type { Inclusion } from './inclusion.js'
import { TILE_HEIGHT, TILE_WIDTH } from './tiles.js'
import type { TreeHasher } from './tree-hash.js'

/** The root of the leaves from index · 2^level on: 2^level of them, or the ones that are left at the end of the tree. */
export interface TreeNode {
  readonly level: number
  readonly index: number
}

/** Where a tile has the hashes below a node (tlog.md, section 6). */
export interface TilePart {
  /** The level of the tile, the first of its hashes that is used, and their number: a power of two. */
  readonly level: number
  readonly tile: number
  readonly from: number
  readonly count: number
}

/**
 * Returns the nodes on the path of a leaf, its sibling first. A node is full, except the last one of its level. `index` is below
 * `size`.
 */
export function pathNodes(index: number, size: number): readonly TreeNode[] {
  const nodes: TreeNode[] = []
  let [node, last] = [index, size - 1]
  for (let level = 0; last > 0; level += 1) {
    const sibling = node % 2 === 0 ? node + 1 : node - 1
    // The last node of a level has no sibling there, where it is a left child.
    if (sibling <= last) nodes.push({ level, index: sibling })
    ;[node, last] = [half(node), half(last)]
  }
  return nodes
}

/** Returns the full subtrees whose roots give a node of a tree, from left to right: one, unless the node is at the end of the tree. */
export function fullSubtrees({ level, index }: TreeNode, size: number): readonly TreeNode[] {
  const subtrees: TreeNode[] = []
  const end = Math.min((index + 1) * 2 ** level, size)
  let height = level
  for (let at = index * 2 ** level; at < end; at += 2 ** height) {
    while (at + 2 ** height > end) height -= 1
    subtrees.push({ level: height, index: at / 2 ** height })
  }
  return subtrees
}

/** Returns the part of a tile that gives a full subtree. */
export function tilePart({ level, index }: TreeNode): TilePart {
  const count = 2 ** (level % TILE_HEIGHT)
  const first = index * count
  return {
    level: Math.floor(level / TILE_HEIGHT),
    tile: Math.floor(first / TILE_WIDTH),
    from: first % TILE_WIDTH,
    count,
  }
}

/** Returns how many hashes a tile has in a tree of `size` leaves, at most 256. */
export function tileHashes(level: number, tile: number, size: number): number {
  return Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - tile * TILE_WIDTH)
}

/** Returns the node over the roots of {@link fullSubtrees}. */
export function joinSubtrees(roots: readonly Uint8Array[], hasher: TreeHasher): Uint8Array {
  return roots.reduceRight((right, left) => hasher.node(left, right))
}

/**
 * Returns the hashes of the nodes that a path passes: its siblings, and the nodes above the leaf. A path to a signed root proves all of
 * them. The keys are those of {@link nodeKey}.
 */
export function nodesOfPath({ leafHash, index, size, path }: Inclusion, hasher: TreeHasher) {
  const known = new Map<string, Uint8Array>()
  let hash = leafHash
  let [node, last, at] = [index, size - 1, 0]
  for (let level = 0; last > 0; level += 1) {
    known.set(nodeKey({ level, index: node }), hash)
    const sibling = node % 2 === 0 ? node + 1 : node - 1
    const other = path[at]
    if (sibling <= last && other !== undefined) {
      known.set(nodeKey({ level, index: sibling }), other)
      hash = sibling < node ? hasher.node(other, hash) : hasher.node(hash, other)
      at += 1
    }
    ;[node, last] = [half(node), half(last)]
  }
  return known
}

export function nodeKey({ level, index }: TreeNode): string {
  return `${level}:${index}`
}

/** A division, because the operators on bits end at 2^32. */
function half(value: number): number {
  return Math.floor(value / 2)
}
