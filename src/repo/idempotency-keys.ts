import { AuditError } from '../errors.js'
import type { AppendItem, Placed } from '../ports.js'
import type { Client } from './database.js'

/** Days for which a key is known where nobody says otherwise. */
export const DEFAULT_KEY_DAYS = 7

/** Expired keys that one append forgets at most, so that what a quiet year has left costs no single append much. */
const PURGE_STEP = 2000

/** A key as a chain knows it. */
interface KnownKey {
  readonly fingerprint: string
  /** The row that it first wrote; absent where that row is gone. */
  readonly placed: Placed | undefined
}

/** A key to be written. */
interface FreshKey extends KnownKey {
  readonly placed: Placed
  readonly key: string
  /** Of the row. */
  readonly subjectPseudonym: string
}

/** The keys of one group of items: those that its chains know already, and those that it brings. */
export class SeenKeys {
  readonly #known: Map<string, KnownKey>
  readonly fresh: FreshKey[] = []

  constructor(known: ReadonlyMap<string, KnownKey> = new Map()) {
    this.#known = new Map(known)
  }

  /**
   * Where the rows of an item are whose key has been seen, in the order of its rows; undefined for an item without a
   * key, or with a new one. Throws `idempotency_conflict`, and `chain_conflict` where the first row is gone.
   */
  firstResult({ rows, idempotency }: AppendItem): readonly Placed[] | undefined {
    if (idempotency === undefined) return undefined
    const { key, fingerprints } = idempotency
    const known = rows.map(({ domainId }) => this.#known.get(keyOn(domainId, key)))
    if (known.every((one) => one === undefined)) return undefined
    return rows.map(({ domainId }, i) => {
      const seen = known[i]
      if (seen?.fingerprint !== fingerprints.get(domainId)) throw conflict(domainId, seen)
      if (seen?.placed === undefined) throw rowGone(domainId)
      return seen.placed
    })
  }

  /** Takes note of an item that was placed; `placed` is in the order of its rows. */
  remember({ rows, idempotency }: AppendItem, placed: readonly Placed[]): void {
    if (idempotency === undefined) return
    const { key, fingerprints } = idempotency
    for (const [i, { domainId, subjectPseudonym }] of rows.entries()) {
      const place = placed[i]
      const fingerprint = fingerprints.get(domainId)
      if (place === undefined || fingerprint === undefined) {
        throw new AuditError('internal', 'a row of an idempotent item has no place or no fingerprint')
      }
      this.fresh.push({ fingerprint, placed: place, key, subjectPseudonym })
      this.#known.set(keyOn(domainId, key), { fingerprint, placed: place })
    }
  }
}

function keyOn(domainId: string, key: string): string {
  return `${domainId}/${key}`
}

/** Where the item names several chains, one may have forgotten the key (an erasure) while another knows it. */
function conflict(domainId: string, seen: KnownKey | undefined): AuditError {
  const problem =
    seen === undefined
      ? `chain ${domainId} does not know this idempotency_key, and another chain of the entry does`
      : `this idempotency_key was used on chain ${domainId} with other content`
  return new AuditError('idempotency_conflict', problem, {
    hint: 'nothing was written; another entry needs a key of its own',
  })
}

function rowGone(domainId: string): AuditError {
  return new AuditError(
    'chain_conflict',
    `the row of chain ${domainId} that this idempotency_key wrote is gone`,
    { hint: `run: audit verify --domain ${domainId}` },
  )
}

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
    SELECT l.entry_hash, (extract(epoch FROM l.recorded_at) * 1000000)::bigint AS recorded_at
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
