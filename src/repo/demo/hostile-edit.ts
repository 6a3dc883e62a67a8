import { nodeHasher } from '../../base/node-hasher.js'
import { encodeCanonical } from '../../chain/canonical.js'
import type { Entry } from '../../chain/entry.js'
import { reasonName } from '../../chain/reason.js'
import { ENTRY_COLUMNS, ENTRY_JOINS, type EntryRow, readEntry } from '../query/entry-row.js'
import type { Client, Database } from '../session/database.js'

/** An edit of one row, as a hostile administrator makes it. */
export interface HostileEdit {
  readonly seq: number
  /** A short form of the statement, for people to read. */
  readonly statement: string
}

/** Turns the first denied row of a chain into a granted one, as superuser and with the triggers off. For the demo only. */
export async function editAsHostileAdmin(database: Database, domainId: string): Promise<HostileEdit> {
  return database.withTransaction('BEGIN', async (client) => {
    await client.query('SET LOCAL session_replication_role = replica')
    const { rows } = await client.query<{ seq: string }>(
      `UPDATE audit_log_entry SET reason = 1 WHERE domain_id = $1 AND seq =
         (SELECT min(seq) FROM audit_log_entry WHERE domain_id = $1 AND reason = 3) RETURNING seq`,
      [domainId],
    )
    const seq = Number(rows[0]?.seq)
    return { seq, statement: `UPDATE audit_log_entry SET reason = 1 (granted) WHERE seq = ${seq}` }
  })
}

const ROWS_FROM = `
  SELECT ${ENTRY_COLUMNS} FROM audit_log_entry e ${ENTRY_JOINS}
  WHERE e.domain_id = $1 AND e.seq >= $2 ORDER BY e.seq`

const NEW_HASHES = `
  UPDATE audit_log_entry e SET prev_hash = h.prev_hash, entry_hash = h.entry_hash
  FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS h(seq, prev_hash, entry_hash)
  WHERE e.domain_id = $1 AND e.seq = h.seq`

/**
 * Hashes the rows of a chain anew, from one row on, and moves the head of the chain along: no row contradicts another one any more.
 * As superuser and with the triggers off. For the demo only.
 */
export async function rehashAsHostileAdmin(
  database: Database,
  domainId: string,
  fromSeq: number,
): Promise<HostileEdit> {
  return database.withTransaction('BEGIN', async (client) => {
    await client.query('SET LOCAL session_replication_role = replica')
    const last = await rehash(client, domainId, fromSeq)
    const statement = `UPDATE audit_log_entry SET prev_hash = …, entry_hash = … WHERE seq BETWEEN ${fromSeq} AND ${last}, and the head row`
    return { seq: fromSeq, statement }
  })
}

/** Returns the seq of the last row. */
async function rehash(client: Client, domainId: string, fromSeq: number): Promise<number> {
  const { rows } = await client.query<EntryRow>(ROWS_FROM, [domainId, fromSeq])
  const hashes: { readonly seq: number; readonly prevHash: Buffer; readonly entryHash: Buffer }[] = []
  let before = rows[0]?.prev_hash ?? ''
  for (const row of rows) {
    const entry = entryOf(row)
    const entryHash = nodeHasher.entry(before, encodeCanonical(entry))
    hashes.push({
      seq: entry.seq,
      prevHash: Buffer.from(before, 'hex'),
      entryHash: Buffer.from(entryHash, 'hex'),
    })
    before = entryHash
  }
  await client.query(NEW_HASHES, [
    domainId,
    hashes.map(({ seq }) => seq),
    hashes.map(({ prevHash }) => prevHash),
    hashes.map(({ entryHash }) => entryHash),
  ])
  await client.query('UPDATE audit_log_chain_head SET head_hash = $2 WHERE domain_id = $1', [
    domainId,
    Buffer.from(before, 'hex'),
  ])
  return hashes.at(-1)?.seq ?? fromSeq
}

/** Returns the entry of a row that nobody forced past the CHECKs. */
function entryOf(row: EntryRow): Entry {
  const { domainId, seq, reason = 0, recordedAt, ...fields } = readEntry(row)
  const { subjectPseudonym = '', relation = '', object = '', correlationId = '', zedtoken = '' } = fields
  const { relationPath = [], caveatContext = [] } = fields
  return {
    domainId,
    seq,
    subjectPseudonym,
    relation,
    object,
    reason: reasonName(reason) ?? 'granted',
    relationPath,
    caveatContext,
    correlationId,
    zedtoken,
    recordedAt: typeof recordedAt === 'bigint' ? recordedAt : 0n,
  }
}
