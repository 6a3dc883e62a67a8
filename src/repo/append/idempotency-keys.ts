import type { AppendItem } from '../../ports/append.js'
import type { Client } from '../session/database.js'
import { assertStored } from './assert-stored.js'
import { type FreshKey, type KnownKey, keyOn, SeenKeys } from './seen-keys.js'

/** Expired keys that one append deletes at most, so that the keys of a quiet year do not slow a single append down. */
const PURGE_STEP = 2000

/**
 * LATERAL with LIMIT makes one index lookup for each key, whatever the planner believes about a new table. A row whose time
 * the format cannot hold was forced into the table and is treated as missing.
 */
const READ = `
  SELECT w.domain_id::text AS domain_id, w.key::text AS key, encode(k.fingerprint, 'hex') AS fingerprint, k.seq,
    k.created_at <= now() - make_interval(days => $3) AS expired,
    encode(e.entry_hash, 'hex') AS entry_hash, e.recorded_at
  FROM unnest($1::uuid[], $2::uuid[]) AS w(domain_id, key)
  CROSS JOIN LATERAL (
    SELECT * FROM audit_idempotency_key i WHERE i.domain_id = w.domain_id AND i.key = w.key LIMIT 1
  ) AS k
  LEFT JOIN LATERAL (
    SELECT l.entry_hash, (extract(epoch FROM l.recorded_at) * 1000000::numeric)::bigint AS recorded_at
    FROM audit_log_entry l
    WHERE l.domain_id = k.domain_id AND l.seq = k.seq
      AND l.recorded_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00' LIMIT 1
  ) AS e ON true`

interface ReadRow {
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
  const wanted = items.flatMap(({ rows, idempotency }) =>
    idempotency === undefined ? [] : rows.map(({ domainId }) => ({ domainId, key: idempotency.key })),
  )
  if (wanted.length === 0) return new SeenKeys()
  const columns = [wanted.map(({ domainId }) => domainId), wanted.map(({ key }) => key)]
  const { rows } = await client.query<ReadRow>(READ, [...columns, keyDays])
  await deleteKeys(
    client,
    rows.filter(({ expired }) => expired),
  )
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

const INSERT_KEYS = `
  INSERT INTO audit_idempotency_key (domain_id, key, fingerprint, seq, subject_pseudonym)
  SELECT domain_id, key, decode(fingerprint, 'hex'), seq, decode(subject, 'hex')
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[])
    AS k(domain_id, key, fingerprint, seq, subject)`

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
 * Uses an array of ctids, not IN or a join, so that the planner cannot scan the whole table for a few rows.
 */
const PURGE = `
  DELETE FROM audit_idempotency_key WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM audit_idempotency_key
    WHERE domain_id = $1 AND created_at <= now() - make_interval(days => $2)
    ORDER BY created_at LIMIT $3))`

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
