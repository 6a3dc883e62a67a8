import type { TreeHasher } from './tree-hash.js'

/** A leaf and the hashes that lead from it to a root, the sibling of the leaf first. */
export interface Inclusion {
  readonly leafHash: Uint8Array
  /** From 0. The leaf of row n has the index n - 1. */
  readonly index: number
  readonly size: number
  readonly path: readonly Uint8Array[]
}

/**
 * Returns the root that a path leads to (RFC 9162, section 2.1.3.2); undefined where the path is too long or too short for
 * this index and size, or the index is not in the tree.
 */
export function rootOf(
  { leafHash, index, size, path }: Inclusion,
  hasher: TreeHasher,
): Uint8Array | undefined {
  if (index >= size) return undefined
  let hash = leafHash
  let [node, last] = [index, size - 1]
  for (const sibling of path) {
    if (last === 0) return undefined
    if (node % 2 === 1 || node === last) {
      hash = hasher.node(sibling, hash)
      // The last node of a level has no sibling there, until it is a right child.
      while (node % 2 === 0 && node > 0) [node, last] = [half(node), half(last)]
    } else {
      hash = hasher.node(hash, sibling)
    }
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 ? hash : undefined
}

/** A division, because the operators on bits end at 2^32. */
function half(value: number): number {
  return Math.floor(value / 2)
}
