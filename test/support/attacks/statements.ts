import { formatTimestamp } from '../../../src/chain/timestamp.js'
import { A, type PlainRow } from './chains.js'

/** Drops every CHECK of the entries, as the owner of the table can. */
export const NO_CHECKS = `
  DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT conname FROM pg_constraint WHERE conrelid = 'audit_log_entry'::regclass AND contype = 'c' LOOP
      EXECUTE format('ALTER TABLE audit_log_entry DROP CONSTRAINT %I', name);
    END LOOP;
  END $$;`

/** Drops the key that prevents duplicate seqs. */
export const NO_KEYS = 'ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_pkey;'

export const nullable = (column: string, table = 'audit_log_entry') =>
  `ALTER TABLE ${table} ALTER COLUMN ${column} DROP NOT NULL;`

type Columns = { readonly [K in keyof PlainRow]: (value: PlainRow[K]) => string }

const text = (value: string) => `'${value.replaceAll("'", "''")}'`
const bytes = (hex: string) => `'\\x${hex}'::bytea`
const texts = (items: readonly string[]) => `ARRAY[${items.map(text).join(', ')}]::text[]`

/** Returns each column and its value as SQL, in the order of the format. */
const COLUMNS: Columns = {
  domainId: (id) => `domain_id = ${text(id)}`,
  seq: (seq) => `seq = ${seq}`,
  subjectPseudonym: (hex) => `subject_pseudonym = ${bytes(hex)}`,
  relation: (relation) => `relation = ${text(relation)}`,
  object: (object) => `object = ${text(object)}`,
  reason: (ordinal) => `reason = ${ordinal}`,
  relationPath: (path) => `relation_path = ${texts(path)}`,
  caveatContext: (names) => `caveat_context = ${texts(names)}`,
  correlationId: (id) => `correlation_id = ${text(id)}`,
  zedtoken: (token) => `zedtoken = ${text(token)}`,
  recordedAt: (micros) => `recorded_at = ${text(formatTimestamp(micros))}`,
  prevHash: (hex) => `prev_hash = ${bytes(hex)}`,
  entryHash: (hex) => `entry_hash = ${bytes(hex)}`,
}

function assignments(row: Partial<PlainRow>): string[] {
  return Object.entries(row).map(([field, value]) =>
    (COLUMNS[field as keyof PlainRow] as (value: unknown) => string)(value),
  )
}

/** Returns SQL that sets columns of one row, given as SQL. */
export function set(seq: number, sql: string, chain = A): string {
  return `UPDATE audit_log_entry SET ${sql} WHERE domain_id = '${chain}' AND seq = ${seq};`
}

/** Returns SQL that sets columns of one row, given as values. */
export function change(seq: number, patch: Partial<PlainRow>, chain = A): string {
  return set(seq, assignments(patch).join(', '), chain)
}

export function remove(where: string, chain = A): string {
  return `DELETE FROM audit_log_entry WHERE domain_id = '${chain}' AND ${where};`
}

export function insert(row: PlainRow): string {
  const pairs = assignments(row).map((assignment) => assignment.split(' = '))
  const names = pairs.map(([name]) => name).join(', ')
  const values = pairs.map(([, ...value]) => value.join(' = ')).join(', ')
  return `INSERT INTO audit_log_entry (${names}) VALUES (${values});`
}

/** Returns SQL that overwrites a row with the values of another one. */
export function put(row: PlainRow): string {
  return change(row.seq, row, row.domainId)
}

export function moveHead(seq: number, hash: string, chain = A): string {
  const values = `next_seq = ${seq + 1}, head_hash = ${bytes(hash)}`
  return `UPDATE audit_log_chain_head SET ${values} WHERE domain_id = '${chain}';`
}

export const dropHead = (chain: string) => `DELETE FROM audit_log_chain_head WHERE domain_id = '${chain}';`
export const dropRegistration = (chain: string) => `DELETE FROM audit_domain WHERE domain_id = '${chain}';`
export const wipe = (chain: string) => remove('true', chain) + dropHead(chain)
