import type { ChainRef } from '../../chain/log/row-items.js'
import type { TreeTile } from '../../ports/signer.js'
import type { Client, Database } from '../session/database.js'

/** Tiles of one statement: 2 MiB of hashes, which the driver sends as 4 MiB of text. */
const TILES_PER_STATEMENT = 256

/** Inserts in the order of the key, so that two signers never deadlock. */
const INSERT_TILES = `
  INSERT INTO audit_tlog_tile (domain_id, incarnation, level, tile_index, hashes)
  SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bytea[])
    AS t(domain_id, incarnation, level, tile_index, hashes)
  ORDER BY domain_id, incarnation, level, tile_index
  ON CONFLICT DO NOTHING`

/**
 * Inserts tiles that the index lacks, in a transaction for each 256 of them. Nobody looks whether they are stored: a reader
 * that misses a tile, or does not believe it, makes it from rows.
 */
export async function putTiles(database: Database, tiles: readonly TreeTile[]): Promise<void> {
  for (let at = 0; at < tiles.length; at += TILES_PER_STATEMENT) {
    const some = tiles.slice(at, at + TILES_PER_STATEMENT)
    const column = <T>(value: (tile: TreeTile) => T) => some.map(value)
    const values = [
      column((tile) => tile.domainId),
      column((tile) => tile.incarnation),
      column((tile) => tile.level),
      column((tile) => tile.index),
      column(({ hashes }) => Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength)),
    ]
    await database.write((client) => client.query(INSERT_TILES, values))
  }
}

const READ_TILES = `
  SELECT tile_index, hashes FROM audit_tlog_tile
  WHERE domain_id = $1 AND incarnation = $2 AND level = $3 AND tile_index BETWEEN $4 AND $5 ORDER BY tile_index`

/** The tiles of one level of one tree, both ends included. */
interface TileRange extends ChainRef {
  readonly level: number
  readonly from: number
  readonly to: number
}

/** Implements SignerStore.tiles. */
export async function readTiles(client: Client, range: TileRange): Promise<TreeTile[]> {
  const { domainId, incarnation, level, from, to } = range
  const { rows } = await client.query<{ tile_index: string; hashes: Buffer | null }>(READ_TILES, [
    domainId,
    incarnation,
    level,
    from,
    to,
  ])
  return rows.flatMap(({ tile_index, hashes }) =>
    hashes === null ? [] : [{ domainId, incarnation, level, index: Number(tile_index), hashes }],
  )
}
