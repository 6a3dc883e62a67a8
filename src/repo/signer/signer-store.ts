import type { SignerStore } from '../../ports/signer.js'
import type { Database } from '../session/database.js'
import { SNAPSHOT_BEGIN } from '../session/snapshot.js'
import { written } from '../session/written.js'
import { appendHeads } from './append-heads.js'
import { growth } from './growth.js'
import { areIndexed, insertHeads, newestHead } from './signed-heads.js'
import { createdChains, signedRows } from './signed-rows.js'
import { putTiles, readTiles } from './tiles.js'

/** Reads and writes what a signer needs in PostgreSQL, with the privileges of audit_signer alone. Implements SignerStore. */
export function postgresSignerStore(database: Database): SignerStore {
  return {
    growth: (all) => database.withTransaction(SNAPSHOT_BEGIN, (client) => growth(client, all)),
    signedRows: (relation, newest) =>
      database.withTransaction(SNAPSHOT_BEGIN, (client) => signedRows(client, relation, newest)),
    newestHead: (chain) => database.withTransaction(SNAPSHOT_BEGIN, (client) => newestHead(client, chain)),
    tiles: (chain, level, range) =>
      database.withTransaction(SNAPSHOT_BEGIN, (client) => readTiles(client, { ...chain, level, ...range })),
    createdChains: () => database.withTransaction(SNAPSHOT_BEGIN, createdChains),
    putTiles: (tiles) => putTiles(database, tiles),
    append: (rows, guard) => appendHeads(database, rows, guard),
    index: async (heads) => {
      if (heads.length === 0) return
      await database.write(
        (client) => insertHeads(client, heads),
        written(() => areIndexed(heads)),
      )
    },
  }
}
