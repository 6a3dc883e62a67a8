import { nodeTreeHasher } from '../base/crypto/node-tree-hasher.js'
import { completeTile, type FilledTile, TILE_WIDTH, tileRoot } from '../chain/tree/tiles.js'
import type { TreeTile } from '../ports/signer.js'
import type { ChainWork } from './chain-work.js'
import type { Grown } from './grow-tree.js'

const TILE_BYTES = TILE_WIDTH * 32

/**
 * Stores the tiles that a step filled up. The older hashes of a tile come from rows, or from the tiles below it. A tile that does not
 * lead to the root that the tree has there is left out: proofs then come from rows.
 */
export async function storeTiles(work: ChainWork, grown: Grown): Promise<void> {
  const { deps, chain } = work
  const tiles: TreeTile[] = []
  for (const filled of grown.filled) {
    const tile = completeTile(filled, await olderHashes(work, filled, grown), nodeTreeHasher)
    if (tile !== undefined) tiles.push({ ...chain, ...tile })
  }
  if (tiles.length > 0) await deps.store.putTiles(tiles)
}

async function olderHashes(
  { deps, chain }: ChainWork,
  { level, index, older }: FilledTile,
  grown: Grown,
): Promise<readonly Uint8Array[]> {
  if (older === 0) return []
  if (level === 0) return grown.older
  const from = index * TILE_WIDTH
  const below = await deps.store.tiles(chain, level - 1, { from, to: from + older - 1 })
  const isWhole = below.every((tile, at) => tile.index === from + at && tile.hashes.length === TILE_BYTES)
  return isWhole ? below.map(({ hashes }) => tileRoot(hashes, nodeTreeHasher)) : []
}
