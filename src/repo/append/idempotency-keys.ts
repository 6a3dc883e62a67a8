import type { AppendItem } from '../../ports/append.js'
import type { Client } from '../session/database.js'
import { type FreshKey, type KnownKey, keyOn, SeenKeys } from './seen-keys.js'

/** Days for which a key is known where nobody says otherwise. */
export const DEFAULT_KEY_DAYS = 7

/** Expired keys that one append forgets at most, so that what a quiet year has left costs no single append much. */
const PURGE_STEP = 2000

/**
 * LATERAL with LIMIT: always one look into the index a key, whatever the planner believes of a table that has just been
 * made. A time that the format cannot hold was forced into the row, which then is none.
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
 * The keys of these items that their chains know, all of which must be locked. A key that has passed its window is
 * deleted and is unknown. Without a key among the items, nothing is asked.
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
  const query = { name: 'audit_read_keys', text: READ, values: [...columns, keyDays] }
  const { rows } = await client.query<ReadRow>(query)
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

/** Writes the keys that a group brings, and forgets some of those of its chains that have passed their window. */
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
  await client.query({ name: 'audit_append_keys', text: INSERT_KEYS, values })
  for (const domainId of new Set(values[0] as string[])) await purgeKeys(client, domainId, keyDays)
}

/**
 * An array of addresses, not IN or a join: then the planner cannot choose to scan the table for a few of its rows. Not a
 * prepared statement: one that was planned while the table was empty scans it whole, 30 ms at 200,000 keys for 0.1.
 */
const PURGE = `
  DELETE FROM audit_idempotency_key WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM audit_idempotency_key
    WHERE domain_id = $1 AND created_at <= now() - make_interval(days => $2)
    ORDER BY created_at LIMIT $3))`

/**
 * Forgets keys of one chain that are older than `keyDays`, the oldest first; resolves with how many, at most `limit`.
 * Under the chain's lock, or no append to the chain may find a key half forgotten.
 */
export async function purgeKeys(
  client: Client,
  domainId: string,
  keyDays: number,
  limit = PURGE_STEP,
): Promise<number> {
  return (await client.query(PURGE, [domainId, keyDays, limit])).rowCount ?? 0
}
