import { HASH_BYTES } from '../layout.js'
import type { TreeHasher } from './tree-hash.js'

/** Hashes in a full tile. */
export const TILE_WIDTH = 256
/** Levels of the tree between two levels of tiles. */
export const TILE_HEIGHT = 8
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES

/**
 * A full tile (tlog.md, section 6): hash i of tile N at level L is the root of the leaves
 * [(256N + i) · 256^L, (256N + i + 1) · 256^L).
 */
export interface FullTile {
  readonly level: number
  readonly index: number
  /** 8,192 bytes. */
  readonly hashes: Uint8Array
}

/** A tile that new leaves have filled up. */
export interface FilledTile extends FullTile {
  /** The first hashes of the tile, which are older than this builder. They are still zeros. */
  readonly older: number
  /** The root of the tile, by the subtrees of the tree and the new leaves. */
  readonly root: Uint8Array
}

interface OpenTile {
  readonly hashes: Uint8Array
  readonly older: number
  filled: number
}

/** Collects the tiles that new leaves fill up, at every level. Give `onSubtree` to the {@link Frontier} that appends them. */
export class TileBuilder {
  readonly #size: number
  readonly #open: OpenTile[] = []
  readonly #counts: number[] = []
  readonly #filled: FilledTile[] = []

  /** `size`: the number of leaves that the tree has already. */
  constructor(size: number) {
    this.#size = size
  }

  readonly onSubtree = (height: number, root: Uint8Array): void => {
    if (height % TILE_HEIGHT !== 0) return
    const level = height / TILE_HEIGHT
    if (level > 0) this.#close(level - 1, root)
    const tile = this.#tileAt(level)
    tile.hashes.set(root, tile.filled * HASH_BYTES)
    tile.filled += 1
  }

  /** Returns the tiles that were filled since the last call, each after the tiles below it. */
  take(): FilledTile[] {
    return this.#filled.splice(0)
  }

  #tileAt(level: number): OpenTile {
    const older = this.#counts[level] === undefined ? this.#before(level) % TILE_WIDTH : 0
    this.#counts[level] ??= Math.floor(this.#before(level) / TILE_WIDTH)
    this.#open[level] ??= { hashes: new Uint8Array(TILE_BYTES), older, filled: older }
    return this.#open[level]
  }

  /** Takes the full tile of a level: a subtree above it has just been completed. */
  #close(level: number, root: Uint8Array): void {
    const { hashes, older } = this.#tileAt(level)
    const index = this.#counts[level] ?? 0
    this.#filled.push({ level, index, hashes, older, root })
    this.#counts[level] = index + 1
    delete this.#open[level]
  }

  /** Returns how many hashes a level had before the first new leaf. */
  #before(level: number): number {
    return Math.floor(this.#size / TILE_WIDTH ** level)
  }
}

/**
 * Returns a tile with its older hashes, from the first on. Undefined where they do not lead to the root of the tile: what was
 * stored since is not what the tree was made of.
 */
export function completeTile(
  { level, index, hashes, older, root }: FilledTile,
  olderHashes: readonly Uint8Array[],
  hasher: TreeHasher,
): FullTile | undefined {
  if (older === 0) return { level, index, hashes }
  if (olderHashes.length !== older || olderHashes.some(({ length }) => length !== HASH_BYTES))
    return undefined
  const whole = Uint8Array.from(hashes)
  for (const [at, hash] of olderHashes.entries()) whole.set(hash, at * HASH_BYTES)
  const isSame = tileRoot(whole, hasher).every((byte, at) => byte === root[at])
  return isSame ? { level, index, hashes: whole } : undefined
}

/** Returns the root of the hashes of a full tile. Throws RangeError unless they are 8,192 bytes. */
export function tileRoot(tile: Uint8Array, hasher: TreeHasher): Uint8Array {
  const hashes = splitTile(tile)
  return hasher.tile?.(tile) ?? rootOfEqual(hashes, hasher)
}

/** Returns the hashes of a full tile. Throws RangeError unless they are 8,192 bytes. */
export function splitTile(tile: Uint8Array): Uint8Array[] {
  if (tile.length !== TILE_BYTES)
    throw new RangeError(`expected a tile of ${TILE_BYTES} bytes, got ${tile.length}`)
  return Array.from({ length: TILE_WIDTH }, (_, at) => tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))
}

/** Returns the root over the roots of equal subtrees. Their number is a power of two. */
export function rootOfEqual(hashes: readonly Uint8Array[], { node }: TreeHasher): Uint8Array {
  let row = hashes
  while (row.length > 1) {
    const below = row
    row = Array.from({ length: below.length / 2 }, (_, at) =>
      node(below[2 * at] as Uint8Array, below[2 * at + 1] as Uint8Array),
    )
  }
  return row[0] as Uint8Array
}
