import type { Placement } from '../append-placement.js'
import { entryLiterals } from '../entry-literals.js'
import { PURGE_STEP, purgeQuery } from '../idempotency-keys.js'
import { insertKeys } from '../off-chain-sql.js'
import { EQ, GE, inSchema, LE, NE, type TableNames } from '../qualified-names.js'
import { counted, failing } from './failing.js'
import { rememberLocked, uuids } from './lock-statements.js'
import { isOwner, STEP, steps } from './owner.js'

export interface WriteSettings {
  readonly schema: string
  readonly keyDays: number
  readonly owner: string
  /** Keys that are written anew because they have expired. */
  readonly expired: readonly { readonly domainId: string; readonly key: string }[]
}

const HEADS = 'audit_log_chain_head'

/**
 * Returns the statement that fails where a head was not updated. As DURABLE of an append, it raises synchronous_commit: with a
 * weaker one, a COMMIT may be acknowledged and then lost.
 */
function durableStatement(placement: Placement, owner: string): string {
  const old = placement.heads().filter(({ before }) => before !== undefined).length
  return `SELECT pg_catalog.json_build_array(${failing(isOwner(owner, old), HEADS, steps(owner), String(old))},
    CASE WHEN pg_catalog.current_setting('synchronous_commit') ${EQ} ANY ('{off,local}'::pg_catalog.text[])
    THEN pg_catalog.set_config('synchronous_commit', 'on', true) END)::pg_catalog.text`
}

/**
 * Returns the statements that write a placement. `personal` store its personal data. Each fails where a row is not stored, so
 * that the later ones do nothing. The last one returns the
 * process id of the backend and the id of the transaction.
 */
export function writeStatements(
  placement: Placement,
  personal: readonly string[],
  settings: WriteSettings,
): string[] {
  const table = inSchema(settings.schema)
  return [
    ...newHeads(placement, table),
    ...oldHeads(placement, table),
    durableStatement(placement, settings.owner),
    entries(placement, table),
    ...personal,
    ...keys(placement, settings),
    ...storedStatements(placement, table),
  ]
}

function entries({ rows }: Placement, table: TableNames): string {
  const values = rows.map(
    (row) => `('${row.entry.domainId}', ${row.entry.seq}, ${entryLiterals(row).join(', ')})`,
  )
  return `INSERT INTO ${table('audit_log_entry')} (domain_id, seq, generation, subject_pseudonym, relation, object,
    reason, relation_path, caveat_context, correlation_id, zedtoken, recorded_at, prev_hash, entry_hash) VALUES
    ${values.join(',\n    ')}`
}

/** Looks at the rows once more, after all triggers. The last row of each chain must have its hash. */
function storedStatements(placement: Placement, table: TableNames): string[] {
  const firsts = new Map<string, number>()
  for (const { entry } of placement.rows)
    if (!firsts.has(entry.domainId)) firsts.set(entry.domainId, entry.seq)
  return placement.heads().flatMap(({ domainId, after }) => {
    const first = firsts.get(domainId)
    if (first === undefined) return []
    const last = after.nextSeq - 1
    const rows = last - first + 1
    const stored = 'pg_catalog.count(*)'
    return `SELECT pg_catalog.json_build_array(${failing(`${stored} ${EQ} ${rows}`, 'audit_log_entry', stored, String(rows))},
      pg_catalog.pg_backend_pid(), pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text)::pg_catalog.text
    FROM ${table('audit_log_entry')} WHERE domain_id ${EQ} '${domainId}' AND seq ${GE} ${first} AND seq ${LE} ${last}
      AND (seq ${NE} ${last} OR entry_hash ${EQ} ${hexBytes(after.headHash)})`
  })
}

const hexBytes = (hex: string) => `pg_catalog.decode('${hex}', 'hex')`

/** In the order of the ids, so that two transactions that begin the same chains never deadlock. */
function newHeads(placement: Placement, table: TableNames): string[] {
  const fresh = placement.heads().filter(({ before }) => before === undefined)
  if (fresh.length === 0) return []
  const values = fresh
    .toSorted((a, b) => (a.domainId < b.domainId ? -1 : 1))
    .map(({ domainId, after }) => `('${domainId}', ${after.nextSeq}, ${hexBytes(after.headHash)})`)
  const sql = `INSERT INTO ${table(HEADS)} (domain_id, next_seq, head_hash) VALUES ${values.join(', ')}`
  const ids = fresh.map(({ domainId }) => domainId).toSorted()
  return [counted(HEADS, fresh.length, sql), `SELECT ${rememberLocked(`'${ids.at(-1)}'::pg_catalog.uuid`)}`]
}

/** Updates only the head that was read, as every append does. {@link durableStatement} counts the steps. */
function oldHeads(placement: Placement, table: TableNames): string[] {
  return placement.heads().flatMap(({ domainId, before, after }) => {
    if (before === undefined) return []
    return `UPDATE ${table(HEADS)} SET next_seq = ${after.nextSeq}, head_hash = ${hexBytes(after.headHash)}
    WHERE domain_id ${EQ} '${domainId}' AND next_seq ${EQ} ${before.nextSeq} RETURNING ${STEP}`
  })
}

/** Writes the new keys, and deletes some expired keys of their chains. */
function keys({ keys: { fresh } }: Placement, { schema, keyDays, expired }: WriteSettings): string[] {
  if (fresh.length === 0) return []
  const table = inSchema(schema)
  const pair = (domainId: string, key: string) => `'${domainId}'::pg_catalog.uuid, '${key}'::pg_catalog.uuid`
  const values = fresh.map(
    ({ placed: { domainId, seq }, key, fingerprint, subjectPseudonym }) =>
      `(${pair(domainId, key)}, '${fingerprint}', ${seq}, '${subjectPseudonym}')`,
  )
  const insert = insertKeys(
    `(VALUES ${values.join(', ')}) AS k(domain_id, key, fingerprint, seq, subject)`,
    table,
  )
  const chains = [...new Set(fresh.map(({ placed }) => placed.domainId))]
  return [
    ...expired.map(
      ({ domainId, key }) =>
        `DELETE FROM ${table('audit_idempotency_key')} WHERE domain_id ${EQ} '${domainId}' AND key ${EQ} '${key}'`,
    ),
    counted('audit_idempotency_key', fresh.length, insert),
    purgeQuery(`ANY (${uuids(chains)})`, String(keyDays), String(PURGE_STEP), table),
  ]
}
