import { EQ, inSchema, LE, LT, microsText } from '../qualified-names.js'
import { DATABASE } from './caller-target.js'
import { takeOwnership } from './owner.js'

/** The session and the transaction of a caller. */
export interface SessionAnswer {
  /** The heads that are locked; null where there is none. */
  readonly heads: readonly LockedHead[] | null
  readonly isolation: string
  /** The session_replication_role. */
  readonly replication: string
  readonly database: string
  /** A policy of row security may hide rows from the role. */
  readonly hidden: boolean
  /** No chain comes before one that the transaction has locked. Only then are the chains locked. */
  readonly ordered: boolean
  /** The process id of the session's backend. */
  readonly pid: number
  /** The id of the transaction; null where it has none yet. */
  readonly xid: string | null
  /** The database's clock after the lock, in microseconds. */
  readonly clock: string
}

/** The tables that an append reads. */
const READ_TABLES = [
  'audit_domain',
  'audit_log_chain_head',
  'audit_log_entry',
  'audit_subject_block',
  'audit_subject_pii',
  'audit_entry_context',
  'audit_idempotency_key',
]

/**
 * The greatest id of a chain that the transaction has locked. It is a setting of the transaction, because PostgreSQL
 * undoes it together with the locks: at the end of the transaction, and where the caller rolls back to a savepoint.
 */
const NAME = 'audit.last_locked_chain'
const ID = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
/** Null where the session has set the setting to something else. */
const LAST_LOCKED = `pg_catalog.substring(pg_catalog.current_setting('${NAME}', true), '${ID}')`
const ISOLATION = `pg_catalog.current_setting('transaction_isolation')`
const REPLICATION = `pg_catalog.current_setting('session_replication_role')`
const IS_ACCEPTED = `${ISOLATION} ${EQ} ANY ('{read committed,read uncommitted}'::pg_catalog.text[])
    AND ${REPLICATION} ${EQ} 'origin'`

/** Returns an SQL expression that remembers that the chain `id` is locked. `id` is an SQL expression, and may be null. */
export function rememberLocked(id: string): string {
  return `pg_catalog.to_json(pg_catalog.set_config('${NAME}',
    coalesce(greatest(${LAST_LOCKED}::pg_catalog.uuid, ${id})::pg_catalog.text, ''), true))::pg_catalog.text`
}

/** `domainIds` are sorted. */
function isOrdered([first = '']: readonly string[]): string {
  return `coalesce(${LAST_LOCKED}, '') COLLATE pg_catalog."C" ${LE} '${first}'`
}

/** A head as it is under its lock: the id, the next seq and the hash. */
export type LockedHead = readonly [domainId: string, nextSeq: string, hash: string]

/**
 * Returns the statement that waits for the locks of chains in the order of their ids, as every other append does, and then
 * returns a {@link SessionAnswer}: PostgreSQL reads a row that it waited for again. It locks none in a session that is refused,
 * and none where it would be out of order. It remembers the last chain that it has locked, and the owner of the savepoint.
 * The aggregates make it read the settings and the clock after the last lock. `domainIds` are sorted.
 */
export function lockStatement(schema: string, domainIds: readonly string[], owner: string): string {
  const table = inSchema(schema)
  const hidden = READ_TABLES.map(
    (name) => `pg_catalog.row_security_active('${table(name).replaceAll("'", "''")}')`,
  )
  const ordered = isOrdered(domainIds)
  return `SELECT pg_catalog.json_build_object('heads', pg_catalog.json_agg(pg_catalog.json_build_array(
      h.domain_id, h.next_seq::pg_catalog.text, pg_catalog.encode(h.head_hash, 'hex'))),
    'isolation', ${ISOLATION}, 'replication', ${REPLICATION},
    'database', ${DATABASE}, 'hidden', ${hidden.join(' OR ')}, 'ordered', ${ordered},
    'last', ${rememberLocked('pg_catalog.max(h.domain_id::pg_catalog.text COLLATE pg_catalog."C")::pg_catalog.uuid')},
    'owner', ${takeOwnership(owner)},
    'pid', pg_catalog.pg_backend_pid(),
    'xid', pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text,
    'clock', ${microsText('pg_catalog.clock_timestamp()')})::pg_catalog.text
    FROM (SELECT domain_id, next_seq, head_hash FROM ${table('audit_log_chain_head')}
      WHERE domain_id ${EQ} ANY (${uuids(domainIds)}) AND ${IS_ACCEPTED} AND ${ordered}
      ORDER BY domain_id FOR NO KEY UPDATE) AS h`
}

/**
 * Returns the statement that locks chains where some come before a chain that the transaction holds. To wait for these would
 * be out of order, so it takes their locks only where they are free; otherwise it waits for no chain at all. It returns the
 * chains whose locks were not free, or null. `domainIds` are sorted.
 */
export function lateLockStatement(schema: string, domainIds: readonly string[]): string {
  const heads = inSchema(schema)('audit_log_chain_head')
  const lock = (which: string, how: string) => `
    SELECT h.domain_id FROM ${heads} h WHERE h.domain_id ${EQ} ANY (ARRAY(SELECT c.domain_id FROM chain c WHERE ${which}))
    ORDER BY h.domain_id FOR NO KEY UPDATE ${how}`
  return `WITH chain AS MATERIALIZED (
    SELECT h.domain_id, h.domain_id ${LT} ${LAST_LOCKED}::pg_catalog.uuid AS early
    FROM ${heads} h WHERE h.domain_id ${EQ} ANY (${uuids(domainIds)})
  ), tried AS MATERIALIZED (${lock('c.early', 'SKIP LOCKED')}
  ), missed AS MATERIALIZED (
    SELECT c.domain_id FROM chain c WHERE c.early EXCEPT SELECT t.domain_id FROM tried t
  ), waited AS MATERIALIZED (${lock('NOT c.early AND NOT EXISTS (SELECT FROM missed)', '')}
  )
  SELECT pg_catalog.json_build_object('missed', (SELECT pg_catalog.json_agg(m.domain_id) FROM missed m),
    'waited', (SELECT pg_catalog.count(*) FROM waited),
    'last', CASE WHEN NOT EXISTS (SELECT FROM missed)
      THEN ${rememberLocked('(SELECT c.domain_id FROM chain c ORDER BY c.domain_id DESC LIMIT 1)')} END)::pg_catalog.text`
}

/** Returns an SQL array of checked ids. */
export function uuids(ids: readonly string[]): string {
  return `'{${ids.join(',')}}'::pg_catalog.uuid[]`
}
