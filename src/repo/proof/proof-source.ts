import { SIGNED_RELATION } from '../../chain/log/signed-row.js'
import type { OfferedHead, ProofSource, RowHashes, SizeRange, TileRange } from '../../ports/proof.js'
import type { Database } from '../session/database.js'
import { signedRows } from '../signer/signed-rows.js'
import { readTiles } from '../signer/tiles.js'

/** Checkpoints that are read of one chain, and in one page. */
const MOST_HEADS = 1000
const HEADS_PAGE = 20
const ROWS_PAGE = 10_000

const HEADS = `SELECT size, note FROM audit_checkpoint
  WHERE domain_id = $1 AND incarnation = 1 AND size BETWEEN $2 AND $3 ORDER BY size DESC LIMIT ${HEADS_PAGE} OFFSET $4`

const ROWS = `SELECT seq, encode(prev_hash, 'hex') AS prev_hash, encode(entry_hash, 'hex') AS entry_hash
  FROM audit_log_entry WHERE domain_id = $1 AND seq BETWEEN $2 AND $3 ORDER BY seq LIMIT ${ROWS_PAGE}`

interface HashesRow {
  readonly seq: string
  readonly prev_hash: string | null
  readonly entry_hash: string | null
}

/** Reads what the database has for the proof of a row. Implements ProofSource. */
export function postgresProofSource(database: Database): ProofSource {
  const rowsOf = (relation: string) => database.read((client) => signedRows(client, relation, undefined))
  return {
    name: 'postgres',
    where: 'PostgreSQL',
    isIndexed: true,
    heads: (domainId, sizes) => readHeads(database, domainId, sizes),
    tiles: (range) => storedTiles(database, range),
    rows: (domainId, from, to) => readRows(database, domainId, from, to),
    keyRows: () => rowsOf(SIGNED_RELATION.logKey),
    signedOverRows: () => rowsOf(SIGNED_RELATION.signedOver),
  }
}

async function* readHeads(
  database: Database,
  domainId: string,
  { atLeast, atMost = Number.MAX_SAFE_INTEGER }: SizeRange,
): AsyncGenerator<OfferedHead> {
  for (let at = 0; at < MOST_HEADS; at += HEADS_PAGE) {
    const values = [domainId, atLeast, atMost, at]
    const { rows } = await database.read((client) => client.query<{ note: string | null }>(HEADS, values))
    for (const { note } of rows) if (note !== null) yield { note }
    if (rows.length < HEADS_PAGE) return
  }
}

async function storedTiles(
  database: Database,
  { to, ...range }: TileRange,
): Promise<ReadonlyMap<number, Uint8Array>> {
  const tiles = await database.read((client) => readTiles(client, { ...range, to: to - 1 }))
  return new Map(tiles.map(({ index, hashes }) => [index, hashes]))
}

async function* readRows(
  database: Database,
  domainId: string,
  from: number,
  to: number,
): AsyncGenerator<RowHashes> {
  for (let next = from; next <= to; ) {
    const values = [domainId, next, to]
    const { rows } = await database.read((client) => client.query<HashesRow>(ROWS, values))
    for (const { seq, prev_hash: prevHash, entry_hash: entryHash } of rows)
      yield { seq: Number(seq), prevHash: prevHash ?? undefined, entryHash: entryHash ?? undefined }
    if (rows.length < ROWS_PAGE) return
    next = Number(rows.at(-1)?.seq) + 1
  }
}
