import { formatTimestamp } from '../../../chain/timestamp.js'
import { literalOrNull, quotedLiteral } from '../../session/quoted-literal.js'
import type { PlacedRow, Placement } from '../append-placement.js'
import { arrayLiteral } from '../entry-columns.js'
import { entryLiterals } from '../entry-literals.js'
import { PURGE_STEP, purgeQuery } from '../idempotency-keys.js'
import { insertContexts, insertKeys, notBlocked, upsertSubjects } from '../off-chain-sql.js'
import { EQ, inSchema, type TableNames } from '../qualified-names.js'
import { mergedSubjects } from '../write-off-chain.js'
import { uuids } from './lock-statements.js'

/** One statement of a write. */
export interface Write {
  readonly sql: string
  /** The table whose rows are counted; absent where the number of rows does not matter. */
  readonly table?: string
  /** The rows that it must store. Where it may leave some out, its answer is the numbers of stored and expected rows. */
  readonly rows?: number
}

export interface WriteSettings {
  readonly schema: string
  readonly keyDays: number
  /** Keys that are written anew because they have expired. */
  readonly expired: readonly { readonly domainId: string; readonly key: string }[]
}

const HEADS = 'audit_log_chain_head'

/** As DURABLE of an append: with a weaker synchronous_commit, a COMMIT may be acknowledged and then lost. */
const DURABLE = `SELECT CASE WHEN pg_catalog.current_setting('synchronous_commit') ${EQ} ANY ('{off,local}'::pg_catalog.text[])
    THEN pg_catalog.to_json(pg_catalog.set_config('synchronous_commit', 'on', true))::pg_catalog.text END`

/** Returns the statements that write a placement. */
export function writeStatements(placement: Placement, settings: WriteSettings): Write[] {
  const table = inSchema(settings.schema)
  return [
    { sql: DURABLE },
    ...newHeads(placement, table),
    ...oldHeads(placement, table),
    entries(placement, table),
    ...subjects(placement, table),
    ...contexts(placement, table),
    ...keys(placement, settings),
  ]
}

function entries({ rows }: Placement, table: TableNames): Write {
  const values = rows.map(
    (row) => `('${row.entry.domainId}', ${row.entry.seq}, ${entryLiterals(row).join(', ')})`,
  )
  const sql = `INSERT INTO ${table('audit_log_entry')} (domain_id, seq, generation, subject_pseudonym, relation, object,
    reason, relation_path, caveat_context, correlation_id, zedtoken, recorded_at, prev_hash, entry_hash) VALUES
    ${values.join(',\n    ')}`
  return { sql, table: 'audit_log_entry', rows: rows.length }
}

const hexBytes = (hex: string) => `pg_catalog.decode('${hex}', 'hex')`

/** In the order of the ids, so that two transactions that begin the same chains never deadlock. */
function newHeads(placement: Placement, table: TableNames): Write[] {
  const fresh = placement.heads().filter(({ before }) => before === undefined)
  if (fresh.length === 0) return []
  const values = fresh
    .toSorted((a, b) => (a.domainId < b.domainId ? -1 : 1))
    .map(({ domainId, after }) => `('${domainId}', ${after.nextSeq}, ${hexBytes(after.headHash)})`)
  const sql = `INSERT INTO ${table(HEADS)} (domain_id, next_seq, head_hash) VALUES ${values.join(', ')}`
  return [{ sql, table: HEADS, rows: fresh.length }]
}

/** Updates only the head that was read, as every append does. */
function oldHeads(placement: Placement, table: TableNames): Write[] {
  return placement.heads().flatMap(({ domainId, before, after }) =>
    before === undefined
      ? []
      : {
          sql: `UPDATE ${table(HEADS)} SET next_seq = ${after.nextSeq}, head_hash = ${hexBytes(after.headHash)}
    WHERE domain_id ${EQ} '${domainId}' AND next_seq ${EQ} ${before.nextSeq}`,
          table: HEADS,
          rows: 1,
        },
  )
}

/** Returns a statement that stores the rows of `given` whose subject is not blocked. */
function storeAllowed(
  given: string,
  store: (given: string, table: TableNames) => string,
  table: TableNames,
): string {
  return `WITH given AS MATERIALIZED (SELECT * FROM ${given} WHERE ${notBlocked(table)}),
    stored AS (${store('given', table)})
    SELECT pg_catalog.json_build_array((SELECT pg_catalog.count(*) FROM stored),
      (SELECT pg_catalog.count(*) FROM given))::pg_catalog.text`
}

function subjects({ rows }: Placement, table: TableNames): Write[] {
  const merged = mergedSubjects(rows)
  if (merged.length === 0) return []
  const columns = '(domain_id, subject, identity_id, plaintext, email, ip, claims, seen)'
  const given = `(VALUES ${merged.map(subjectLiterals).join(',\n    ')}) AS r${columns}`
  return [{ sql: storeAllowed(given, upsertSubjects, table), table: 'audit_subject_pii' }]
}

function subjectLiterals({ entry, row: { subject } }: PlacedRow): string {
  return `(${[
    `'${entry.domainId}'::pg_catalog.uuid`,
    `'${entry.subjectPseudonym}'`,
    `${literalOrNull(subject?.identityId)}::pg_catalog.uuid`,
    `${literalOrNull(subject?.plaintext)}::pg_catalog.text`,
    `${literalOrNull(subject?.emailClaim)}::pg_catalog.text`,
    `${literalOrNull(subject?.sourceIp)}::pg_catalog.text`,
    quotedLiteral(arrayLiteral(subject?.idpClaimNames ?? [])),
    quotedLiteral(formatTimestamp(entry.recordedAt)),
  ].join(', ')})`
}

function contexts({ rows }: Placement, table: TableNames): Write[] {
  const values = rows.flatMap(({ entry, row: { context } }) => {
    if (context === undefined) return []
    const metadata = context.metadata === undefined ? undefined : JSON.stringify(context.metadata)
    const texts = [context.ip, context.userAgent, metadata].map(
      (text) => `${literalOrNull(text)}::pg_catalog.text`,
    )
    return `('${entry.domainId}'::pg_catalog.uuid, ${entry.seq}, ${texts.join(', ')}, '${entry.subjectPseudonym}')`
  })
  if (values.length === 0) return []
  const given = `(VALUES ${values.join(',\n    ')}) AS r(domain_id, seq, ip, user_agent, metadata, subject)`
  return [{ sql: storeAllowed(given, insertContexts, table), table: 'audit_entry_context' }]
}

/** Writes the new keys, and deletes some expired keys of their chains. */
function keys({ keys: { fresh } }: Placement, { schema, keyDays, expired }: WriteSettings): Write[] {
  if (fresh.length === 0) return []
  const table = inSchema(schema)
  const pair = (domainId: string, key: string) => `'${domainId}'::pg_catalog.uuid, '${key}'::pg_catalog.uuid`
  const values = fresh.map(
    ({ placed: { domainId, seq }, key, fingerprint, subjectPseudonym }) =>
      `(${pair(domainId, key)}, '${fingerprint}', ${seq}, '${subjectPseudonym}')`,
  )
  const chains = [...new Set(fresh.map(({ placed }) => placed.domainId))]
  return [
    ...expired.map(({ domainId, key }) => ({
      sql: `DELETE FROM ${table('audit_idempotency_key')} WHERE domain_id ${EQ} '${domainId}' AND key ${EQ} '${key}'`,
    })),
    {
      sql: insertKeys(`(VALUES ${values.join(', ')}) AS k(domain_id, key, fingerprint, seq, subject)`, table),
      table: 'audit_idempotency_key',
      rows: fresh.length,
    },
    { sql: purgeQuery(`ANY (${uuids(chains)})`, String(keyDays), String(PURGE_STEP), table) },
  ]
}
