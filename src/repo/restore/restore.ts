import { AuditError } from '../../base/errors.js'
import type { ChainHead } from '../../chain/entry.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { RestoredDomain, RestoredRow, RestoreTarget } from '../../ports/restore.js'
import { entryColumns } from '../append/entry-columns.js'
import { type Client, type Database, DURABLE } from '../session/database.js'
import { databaseError } from '../session/database-error.js'
import { chainState } from '../verify/chain-state.js'

const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; ${DURABLE}`

/** A lock of the session: it ends with the connection, however the process dies. */
const CLAIM = `SELECT pg_try_advisory_lock(hashtextextended('audit/restore/' || $1, 0)) AS claimed`

const GIVEN = `
  unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
    AS r(domain_id, seq, subject, relation, object, reason, path, caveats, correlation_id, zedtoken, recorded_at,
      prev, entry, etag)`

const VALUES = `r.domain_id, r.seq, 1, decode(r.subject, 'hex'), r.relation, r.object, r.reason, r.path::text[],
  r.caveats::text[], r.correlation_id, r.zedtoken, r.recorded_at::timestamptz, decode(r.prev, 'hex'), decode(r.entry, 'hex')`

const COLUMNS = [
  ['domain_id', 'seq', 'generation', 'subject_pseudonym', 'relation', 'object', 'reason', 'relation_path'],
  ['caveat_context', 'correlation_id', 'zedtoken', 'recorded_at', 'prev_hash', 'entry_hash'],
].flat()

const INSERT = `
  INSERT INTO audit_log_entry (${COLUMNS.join(', ')}, archived_at, archive_etag)
  SELECT ${VALUES}, clock_timestamp(), r.etag FROM ${GIVEN}
  ON CONFLICT (domain_id, seq) DO NOTHING`

/** The first given row whose seq is taken by a different row. */
const OTHER = `
  SELECT e.seq FROM ${GIVEN} JOIN audit_log_entry e ON e.domain_id = r.domain_id AND e.seq = r.seq
  WHERE (${COLUMNS.map((column) => `e.${column}`).join(', ')}) IS DISTINCT FROM (${VALUES}) ORDER BY e.seq LIMIT 1`

const HEAD = `
  INSERT INTO audit_log_chain_head (domain_id, next_seq, head_hash)
  SELECT $1, $2, decode($3, 'hex') WHERE NOT EXISTS (SELECT FROM audit_log_entry WHERE domain_id = $1 AND seq >= $2)
  ON CONFLICT (domain_id) DO NOTHING`

const DOMAIN = `INSERT INTO audit_domain (domain_id, mirror_url, created_at) VALUES ($1, $2, $3::timestamptz)
  ON CONFLICT (domain_id) DO NOTHING`

/** Does not mark a chain that has a head. If the head were deleted later, the mark would look like a running restore. */
const MARK = `INSERT INTO audit_restore (domain_id, mirror_url)
  SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM audit_log_chain_head WHERE domain_id = $1)
  ON CONFLICT (domain_id) DO NOTHING`

const UNMARK_EMPTY = `DELETE FROM audit_restore
  WHERE domain_id = $1 AND NOT EXISTS (SELECT FROM audit_log_entry WHERE domain_id = $1)`

/** Rebuilds chains in PostgreSQL. Implements RestoreTarget. */
export function postgresRestoreTarget(database: Database): RestoreTarget {
  return {
    headOf: (domainId) => database.withClient(async (client) => (await chainState(client, domainId)).head),
    restoring: (domainId, use) => restoring(database, domainId, use),
    begin: (domainId, mirrorUrl) =>
      inTransaction(database, (client) => client.query(MARK, [domainId, mirrorUrl])),
    abandon: (domainId) => inTransaction(database, (client) => client.query(UNMARK_EMPTY, [domainId])),
    insert: (rows) => inTransaction(database, (client) => insert(client, rows)),
    finish: (domainId, head, domain) =>
      inTransaction(database, (client) => finish(client, domainId, head, domain)),
  }
}

async function inTransaction(database: Database, use: (client: Client) => Promise<unknown>): Promise<void> {
  await database.withTransaction(BEGIN, use)
}

async function restoring<T>(database: Database, domainId: string, use: () => Promise<T>): Promise<T> {
  const client = await database.dedicated()
  // If the connection is lost, another restore may begin. Both insert the same rows, and one of them creates the head.
  client.on('error', () => undefined)
  try {
    await claim(client, domainId)
    return await use()
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function claim(client: Client, domainId: string): Promise<void> {
  try {
    const { rows } = await client.query<{ claimed: boolean }>(CLAIM, [domainId])
    if (rows[0]?.claimed !== true) throw running(domainId)
    const { head } = await chainState(client, domainId)
    if (head !== undefined) throw exists(`chain ${domainId} already exists, with ${head.seq} rows`)
  } catch (error) {
    throw databaseError(error)
  }
}

/** Inserts rows. Rows that an earlier restore inserted stay as they are. */
async function insert(client: Client, rows: readonly RestoredRow[]): Promise<void> {
  const values = columnsOf(rows)
  const { rowCount } = await client.query({ name: 'audit_restore_rows', text: INSERT, values })
  if (rowCount === rows.length) return
  const { rows: others } = await client.query<{ seq: string }>(OTHER, values)
  const [other] = others
  if (other === undefined) return
  throw exists(`row ${other.seq} of chain ${rows[0]?.entry.domainId} exists and differs from the mirror`)
}

function columnsOf(rows: readonly RestoredRow[]): unknown[] {
  return [...entryColumns(rows.map(({ entry }) => entry)), rows.map(({ etag }) => etag)]
}

/**
 * Creates the head and the registry entry. A crash before COMMIT leaves rows without a head; after COMMIT the chain exists.
 */
async function finish(
  client: Client,
  domainId: string,
  head: ChainHead,
  { mirrorUrl, createdAt }: RestoredDomain,
): Promise<void> {
  const { rowCount } = await client.query(HEAD, [domainId, head.seq + 1, head.hash])
  if (rowCount !== 1) throw exists(`chain ${domainId} got a head meanwhile, or has rows beyond ${head.seq}`)
  if (domainId !== PLATFORM_ANCHOR)
    await client.query(DOMAIN, [domainId, mirrorUrl ?? null, formatTimestamp(createdAt)])
  await client.query('DELETE FROM audit_restore WHERE domain_id = $1', [domainId])
}

function running(domainId: string): AuditError {
  return new AuditError('restore_running', `another restore of chain ${domainId} is running`, {
    advice: { code: 'wait_for_restore' },
  })
}

function exists(problem: string): AuditError {
  return new AuditError('chain_exists', problem, {
    advice: { code: 'verify_all_copies' },
  })
}
