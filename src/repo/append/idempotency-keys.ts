import type { AppendItem } from '../../ports/append.js'
import type { Client } from '../session/database.js'
import { assertStored } from './assert-stored.js'
import { insertKeys } from './off-chain-sql.js'
import {
  EQ,
  IN_SEARCH_PATH,
  isFormatTime,
  LE,
  MINUS,
  microsText,
  type TableNames,
} from './qualified-names.js'
import { type FreshKey, type KnownKey, keyOn, SeenKeys } from './seen-keys.js'

/** Expired keys that one append deletes at most, so that the keys of a quiet year do not slow a single append down. */
export const PURGE_STEP = 2000

/** SQL expressions for the arguments of {@link keysQuery}. */
interface WantedKeys {
  /** Arrays of the same length: the chain of each key, and the key. */
  readonly domainIds: string
  readonly keys: string
  readonly days: string
}

/**
 * Returns the query for {@link seenKeysOf}.
 *
 * LATERAL with LIMIT makes one index lookup for each key, whatever the planner believes about a new table. A row whose time
 * the format cannot hold was forced into the table and is treated as missing.
 */
export function keysQuery({ domainIds, keys, days }: WantedKeys, table: TableNames = IN_SEARCH_PATH): string {
  return `
  SELECT w.domain_id::pg_catalog.text AS domain_id, w.key::pg_catalog.text AS key,
    pg_catalog.encode(k.fingerprint, 'hex') AS fingerprint, k.seq::pg_catalog.text AS seq,
    k.created_at ${LE} (pg_catalog.now() ${MINUS} pg_catalog.make_interval(days => ${days})) AS expired,
    pg_catalog.encode(e.entry_hash, 'hex') AS entry_hash, e.recorded_at
  FROM ROWS FROM (pg_catalog.unnest(${domainIds}), pg_catalog.unnest(${keys})) AS w(domain_id, key)
  CROSS JOIN LATERAL (
    SELECT * FROM ${table('audit_idempotency_key')} i
    WHERE i.domain_id ${EQ} w.domain_id AND i.key ${EQ} w.key LIMIT 1
  ) AS k
  LEFT JOIN LATERAL (
    SELECT l.entry_hash, ${microsText('l.recorded_at')} AS recorded_at
    FROM ${table('audit_log_entry')} l
    WHERE l.domain_id ${EQ} k.domain_id AND l.seq ${EQ} k.seq AND ${isFormatTime('l.recorded_at')} LIMIT 1
  ) AS e ON true`
}

const READ = keysQuery({ domainIds: '$1::uuid[]', keys: '$2::uuid[]', days: '$3' })

/** A row of {@link keysQuery}. */
export interface ReadRow {
  domain_id: string
  key: string
  fingerprint: string
  seq: string
  expired: boolean
  entry_hash: string | null
  recorded_at: string | null
}

/**
 * Returns the keys of these items that their chains know. All the chains must be locked. An expired key is deleted and
 * counts as unknown. If no item has a key, there is no query.
 */
export async function readKeys(
  client: Client,
  items: readonly AppendItem[],
  keyDays: number,
): Promise<SeenKeys> {
  const wanted = keysOf(items)
  if (wanted.length === 0) return new SeenKeys()
  const columns = [wanted.map(({ domainId }) => domainId), wanted.map(({ key }) => key)]
  const { rows } = await client.query<ReadRow>(READ, [...columns, keyDays])
  await deleteKeys(
    client,
    rows.filter(({ expired }) => expired),
  )
  return seenKeysOf(rows)
}

/** Returns the keys of items, once for each chain of their item. */
export function keysOf(items: readonly AppendItem[]): { readonly domainId: string; readonly key: string }[] {
  return items.flatMap(({ rows, idempotency }) =>
    idempotency === undefined ? [] : rows.map(({ domainId }) => ({ domainId, key: idempotency.key })),
  )
}

/** Returns the keys that are known. An expired key counts as unknown. */
export function seenKeysOf(rows: readonly ReadRow[]): SeenKeys {
  const known = rows.filter(({ expired }) => !expired)
  return new SeenKeys(new Map(known.map((row) => [keyOn(row.domain_id, row.key), knownKey(row)])))
}

function knownKey({ domain_id, fingerprint, seq, entry_hash, recorded_at }: ReadRow): KnownKey {
  if (entry_hash === null || recorded_at === null) return { fingerprint, placed: undefined }
  const placed = {
    domainId: domain_id,
    seq: Number(seq),
    entryHash: entry_hash,
    recordedAt: BigInt(recorded_at),
  }
  return { fingerprint, placed }
}

async function deleteKeys(client: Client, keys: readonly ReadRow[]): Promise<void> {
  if (keys.length === 0) return
  await client.query(
    `DELETE FROM audit_idempotency_key k USING unnest($1::uuid[], $2::uuid[]) AS w(domain_id, key)
     WHERE k.domain_id = w.domain_id AND k.key = w.key`,
    [keys.map(({ domain_id }) => domain_id), keys.map(({ key }) => key)],
  )
}

const INSERT_KEYS = insertKeys(`unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[])
    AS k(domain_id, key, fingerprint, seq, subject)`)

/** Writes the new keys of a group, and deletes some expired keys of its chains. */
export async function writeKeys(client: Client, { fresh }: SeenKeys, keyDays: number): Promise<void> {
  if (fresh.length === 0) return
  const column = <T>(value: (key: FreshKey) => T) => fresh.map(value)
  const values = [
    column(({ placed }) => placed.domainId),
    column(({ key }) => key),
    column(({ fingerprint }) => fingerprint),
    column(({ placed }) => placed.seq),
    column(({ subjectPseudonym }) => subjectPseudonym),
  ]
  const { rowCount } = await client.query(INSERT_KEYS, values)
  assertStored('audit_idempotency_key', rowCount, fresh.length)
  for (const domainId of new Set(values[0] as string[])) await purgeKeys(client, domainId, keyDays)
}

/**
 * Deletes the oldest of the expired keys of one chain. Uses an array of ctids, not IN or a join, so that the planner cannot
 * scan the whole table for a few rows. The arguments are SQL expressions.
 */
export function purgeQuery(domainId: string, days: string, limit: string, table = IN_SEARCH_PATH): string {
  const keys = table('audit_idempotency_key')
  return `
  DELETE FROM ${keys} WHERE ctid ${EQ} ANY (ARRAY(
    SELECT ctid FROM ${keys}
    WHERE domain_id ${EQ} ${domainId} AND created_at ${LE} (pg_catalog.now() ${MINUS} pg_catalog.make_interval(days => ${days}))
    ORDER BY created_at LIMIT ${limit}))`
}

const PURGE = purgeQuery('$1', '$2', '$3')

/**
 * Deletes keys of one chain that are older than `keyDays`, the oldest first, and at most `limit`. Returns how many were
 * deleted. The caller holds the chain's lock, so that no append to the chain sees some of them deleted and others not.
 */
export async function purgeKeys(
  client: Client,
  domainId: string,
  keyDays: number,
  limit = PURGE_STEP,
): Promise<number> {
  return (await client.query(PURGE, [domainId, keyDays, limit])).rowCount ?? 0
}
