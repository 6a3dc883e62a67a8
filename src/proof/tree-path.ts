import type { ChainRef } from '../chain/log/row-items.js'
import { Frontier } from '../chain/tree/frontier.js'
import {
  fullSubtrees,
  joinSubtrees,
  nodeKey,
  pathNodes,
  type TreeNode,
  tileHashes,
  tilePart,
} from '../chain/tree/path-from-tiles.js'
import { rootOfEqual, splitTile, TILE_BYTES, TILE_WIDTH, tileRoot } from '../chain/tree/tiles.js'
import type { TreeHasher } from '../chain/tree/tree-hash.js'
import type { ProofSource } from '../ports/proof.js'

/** The tree of a chain at one size, and where its hashes come from. */
export interface ReadTree {
  readonly chain: ChainRef
  readonly size: number
  /** Nodes that a signed root proves already, by {@link nodeKey}. */
  readonly known: ReadonlyMap<string, Uint8Array>
  readonly source: Pick<ProofSource, 'tiles'>
  /** Yields the data of the leaves from an index up to another one, which is not included. */
  leaves(from: number, to: number): AsyncIterable<Uint8Array>
  readonly hasher: TreeHasher
}

/** Returns the path of a leaf from stored tiles, and from rows where a tile is missing. A wrong tile gives a wrong path. */
export async function pathByTiles(index: number, tree: ReadTree): Promise<Uint8Array[]> {
  const tiles = new TileReader(tree)
  return pathOf(index, tree, (subtree) => tiles.root(subtree))
}

/** Returns the path of a leaf from rows alone. */
export async function pathByRows(index: number, tree: ReadTree): Promise<Uint8Array[]> {
  const { size, known } = tree
  const needed = pathNodes(index, size).filter((node) => !known.has(nodeKey(node)))
  const roots = await rootsByRows(
    needed.flatMap((node) => fullSubtrees(node, size)),
    tree,
  )
  return pathOf(index, tree, async (subtree) => roots.get(nodeKey(subtree)) as Uint8Array)
}

async function pathOf(
  index: number,
  { size, known, hasher }: ReadTree,
  rootOf: (subtree: TreeNode) => Promise<Uint8Array>,
): Promise<Uint8Array[]> {
  const path: Uint8Array[] = []
  for (const node of pathNodes(index, size)) {
    const hash = known.get(nodeKey(node))
    if (hash !== undefined) path.push(hash)
    else {
      const roots: Uint8Array[] = []
      for (const subtree of fullSubtrees(node, size)) roots.push(await rootOf(subtree))
      path.push(joinSubtrees(roots, hasher))
    }
  }
  return path
}

/** Reads each row once: subtrees that lie side by side are read in one go. */
async function rootsByRows(
  subtrees: readonly TreeNode[],
  { leaves, hasher }: ReadTree,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const roots = new Map<string, Uint8Array>()
  const left = [...subtrees].sort((one, other) => startOf(one) - startOf(other))
  while (left[0] !== undefined) {
    const run = left.splice(0, adjacent(left))
    const end = run.at(-1) ?? left[0]
    let growing = new Frontier(hasher)
    for await (const data of leaves(startOf(run[0] ?? end), endOf(end))) {
      growing.append(data)
      const [first] = run
      if (first === undefined || growing.size < 2 ** first.level) continue
      roots.set(nodeKey(first), growing.root() as Uint8Array)
      run.shift()
      growing = new Frontier(hasher)
    }
  }
  return roots
}

/** Returns how many subtrees, from the first on, lie side by side. */
function adjacent(subtrees: readonly TreeNode[]): number {
  const gap = subtrees.findIndex((one, at) => {
    const before = subtrees[at - 1]
    return before !== undefined && endOf(before) !== startOf(one)
  })
  return gap < 0 ? subtrees.length : gap
}

function startOf({ level, index }: TreeNode): number {
  return index * 2 ** level
}

function endOf({ level, index }: TreeNode): number {
  return (index + 1) * 2 ** level
}

/** The tiles of a tree, each read once. The last tile of a level is not full, so it is made of the tiles below it. */
class TileReader {
  readonly #tree: ReadTree
  readonly #read = new Map<string, readonly Uint8Array[]>()

  constructor(tree: ReadTree) {
    this.#tree = tree
  }

  async root(subtree: TreeNode): Promise<Uint8Array> {
    const { level, tile, from, count } = tilePart(subtree)
    const hashes = await this.#tile(level, tile)
    return rootOfEqual(hashes.slice(from, from + count), this.#tree.hasher)
  }

  async #tile(level: number, tile: number): Promise<readonly Uint8Array[]> {
    const key = nodeKey({ level, index: tile })
    const hashes = this.#read.get(key) ?? (await this.#readTile(level, tile))
    this.#read.set(key, hashes)
    return hashes
  }

  async #readTile(level: number, tile: number): Promise<readonly Uint8Array[]> {
    const count = tileHashes(level, tile, this.#tree.size)
    const stored = count < TILE_WIDTH ? undefined : (await this.#stored(level, tile, tile + 1)).get(tile)
    return stored === undefined ? this.#below(level, tile * TILE_WIDTH, count) : splitTile(stored)
  }

  /** Returns the hashes of a level from `first` on, from the tiles or rows below. */
  async #below(level: number, first: number, count: number): Promise<readonly Uint8Array[]> {
    const { leaves, hasher } = this.#tree
    const hashes: Uint8Array[] = []
    if (level === 0) {
      for await (const data of leaves(first, first + count)) hashes.push(hasher.leaf(data))
      return hashes
    }
    const stored = await this.#stored(level - 1, first, first + count)
    for (let at = first; at < first + count; at += 1) {
      const tile = stored.get(at)
      const below = tile ?? (await this.#below(level - 1, at * TILE_WIDTH, TILE_WIDTH))
      hashes.push(below instanceof Uint8Array ? tileRoot(below, hasher) : rootOfEqual(below, hasher))
    }
    return hashes
  }

  async #stored(level: number, from: number, to: number): Promise<ReadonlyMap<number, Uint8Array>> {
    const { chain, source } = this.#tree
    const { domainId, incarnation } = chain
    const found = (await source.tiles?.({ domainId, incarnation, level, from, to })) ?? []
    return new Map([...found].filter(([, bytes]) => bytes.length === TILE_BYTES))
  }
}
