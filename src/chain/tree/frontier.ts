import { LIMITS } from '../limits.js'
import type { TreeHasher } from './tree-hash.js'

/** Receives the root of each full subtree that a tree gets, a leaf first (height 0), and then what it completes. */
export type OnSubtree = (height: number, root: Uint8Array) => void

/**
 * A Merkle tree that grows at its end. It keeps the roots of its full subtrees only, at most 53 hashes, so its memory and the
 * time of an append do not grow with the tree.
 */
export class Frontier {
  readonly #hasher: TreeHasher
  /** The roots of the full subtrees, largest first. */
  readonly #roots: Uint8Array[]
  #size: number
  /** The siblings of the leaf that was appended last, inside its full subtree. */
  #siblings: Uint8Array[] | undefined

  readonly #onSubtree: OnSubtree | undefined

  /** Continues a tree of `size` leaves. Throws RangeError unless there is one root for each bit of `size` that is set. */
  constructor(hasher: TreeHasher, size = 0, roots: readonly Uint8Array[] = [], onSubtree?: OnSubtree) {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new RangeError(`expected a number of leaves, got ${size}`)
    if (roots.length !== subtreesOf(size)) {
      throw new RangeError(`expected ${subtreesOf(size)} subtrees of ${size} leaves, got ${roots.length}`)
    }
    this.#hasher = hasher
    this.#size = size
    this.#roots = [...roots]
    this.#onSubtree = onSubtree
  }

  get size(): number {
    return this.#size
  }

  get roots(): readonly Uint8Array[] {
    return [...this.#roots]
  }

  /** Adds a leaf with the given data, the entry_hash of its row. */
  append(data: Uint8Array): void {
    if (this.#size >= LIMITS.maxSeq) throw new RangeError(`a tree has at most ${LIMITS.maxSeq} leaves`)
    let root = this.#hasher.leaf(data)
    const siblings: Uint8Array[] = []
    this.#onSubtree?.(0, root)
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = this.#roots.pop() as Uint8Array
      siblings.push(left)
      root = this.#hasher.node(left, root)
      this.#onSubtree?.(siblings.length, root)
    }
    this.#roots.push(root)
    this.#size += 1
    this.#siblings = siblings
  }

  /** Returns the root of the tree; undefined for a tree without leaves. */
  root(): Uint8Array | undefined {
    return this.#roots.reduceRight<Uint8Array | undefined>(
      (right, left) => (right === undefined ? left : this.#hasher.node(left, right)),
      undefined,
    )
  }

  /** Returns the path from the leaf that was appended last to the root; undefined where this object has appended none. */
  lastPath(): readonly Uint8Array[] | undefined {
    return this.#siblings && [...this.#siblings, ...this.#roots.slice(0, -1).reverse()]
  }
}

/** Returns the number of full subtrees of a tree: the bits of its size that are set. */
export function subtreesOf(size: number): number {
  let count = 0
  // A division, because the operators on bits end at 2^32.
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2
  return count
}
