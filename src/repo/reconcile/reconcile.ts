import type { KeptProgress, Position, ReconcileStore } from '../../ports/reconcile.js'
import type { Client, Database } from '../session/database.js'
import { microsOf } from '../session/read-time.js'
import { type Written, withheld, written } from '../session/written.js'
import { signedStates } from '../signer/signed-state.js'
import { glance } from './reconcile-glance.js'

interface KeptRow {
  readonly domain_id: string
  readonly verified_seq: string | null
  readonly verified_hash: string | null
  readonly full_age: string | null
  readonly boot_seq: string | null
  readonly boot_hash: string | null
  readonly boot_age: string | null
}

const age = (column: string) =>
  `CASE WHEN isfinite(${column}) THEN greatest(extract(epoch FROM clock_timestamp() - ${column}), 0) END`

const KEPT = `
  SELECT domain_id, verified_seq, encode(verified_hash, 'hex') AS verified_hash, ${age('full_at')} AS full_age,
    boot_seq, encode(boot_hash, 'hex') AS boot_hash, ${age('boot_started_at')} AS boot_age
  FROM audit_reconcile`

/** Does not wait for the disk. If a crash loses the last progress, some rows are verified twice. */
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = off'

const ago = (parameter: string) => `clock_timestamp() - make_interval(secs => ${parameter}::float8)`

/** Keeps the columns of values that are absent: one server may be in its first pass while another has finished it. */
const given = (columns: readonly string[], by: string) =>
  columns.map((one) => `${one} = CASE WHEN excluded.${by} IS NULL THEN kept.${one} ELSE excluded.${one} END`)

const KEEP = `
  INSERT INTO audit_reconcile AS kept
    (domain_id, verified_seq, verified_hash, full_at, boot_seq, boot_hash, boot_started_at, updated_at)
  VALUES ($1, $2, decode($3, 'hex'), ${ago('$4')}, $5, decode($6, 'hex'), ${ago('$7')}, clock_timestamp())
  ON CONFLICT (domain_id) DO UPDATE SET updated_at = excluded.updated_at, ${[
    ...given(['verified_seq', 'verified_hash'], 'verified_seq'),
    ...given(['full_at'], 'full_at'),
    ...given(['boot_seq', 'boot_hash', 'boot_started_at'], 'boot_seq'),
  ].join(', ')} RETURNING ${microsOf('updated_at')} AS at`

const END_BOOT = `
  UPDATE audit_reconcile SET boot_seq = NULL, boot_hash = NULL, boot_started_at = NULL WHERE boot_seq IS NOT NULL`

/** Reads the ends of chains for the reconcile probe, and keeps its progress. Implements ReconcileStore. */
export function postgresReconcile(database: Database): ReconcileStore {
  return {
    glance: () => glance(database),
    signed: () => signedStates(database),
    kept: () => database.read(async (client) => (await client.query<KeptRow>(KEPT)).rows.map(progressOf)),
    keep: async (progress) => {
      await database.withTransaction(
        BEGIN,
        (client) => keep(client, progress),
        written((at: string) => kept(progress.domainId, at)),
      )
    },
    endBoot: () => database.write(endBoot),
  }
}

/** Keeps progress, and returns the time of it, in microseconds since 1970. */
async function keep(
  client: Client,
  { domainId, verified, fullAgeSeconds, boot }: KeptProgress,
): Promise<string> {
  const { rows } = await client.query<{ at: string }>(KEEP, [
    domainId,
    verified?.seq ?? null,
    verified?.hash ?? null,
    fullAgeSeconds ?? null,
    boot?.reached.seq ?? null,
    boot?.reached.hash ?? null,
    boot?.ageSeconds ?? null,
  ])
  if (rows[0] === undefined) throw withheld(progressOn(domainId))
  return rows[0].at
}

/** Another server may have kept newer progress between COMMIT and the look. */
function kept(domainId: string, at: string): Written {
  return {
    what: progressOn(domainId),
    isThere: `EXISTS (SELECT FROM audit_reconcile
      WHERE domain_id = '${domainId}' AND trunc(extract(epoch FROM updated_at) * 1000000::numeric) >= ${at})`,
    otherwise: 'older progress was there',
  }
}

const progressOn = (domainId: string) => `the progress of verification on chain ${domainId}`

/**
 * Does not look after COMMIT: another server may have begun a first pass by then. An end that is undone makes the next
 * process verify rows again.
 */
async function endBoot(client: Client): Promise<void> {
  const { rows } = await client.query('SELECT FROM audit_reconcile WHERE boot_seq IS NOT NULL FOR UPDATE')
  const { rowCount } = await client.query(END_BOOT)
  if ((rowCount ?? 0) < rows.length) throw withheld('the end of the first pass')
}

function progressOf(row: KeptRow): KeptProgress {
  const boot = position(row.boot_seq, row.boot_hash)
  return {
    domainId: row.domain_id,
    verified: position(row.verified_seq, row.verified_hash),
    fullAgeSeconds: row.full_age === null ? undefined : Number(row.full_age),
    ...(boot !== undefined &&
      row.boot_age !== null && { boot: { reached: boot, ageSeconds: Number(row.boot_age) } }),
  }
}

function position(seq: string | null, hash: string | null): Position | undefined {
  return seq === null ? undefined : { seq: Number(seq), hash: hash ?? undefined }
}
