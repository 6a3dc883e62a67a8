import { AuditError } from '../errors.js'
import type { PurgePosition, PurgeStep, RetentionPolicy, RetentionState, RetentionStore } from '../ports.js'
import { appendUnderLocks, underLocks } from './append.js'
import type { Client, Database } from './database.js'
import { assertChain } from './erase.js'
import { onlyRow } from './holds.js'
import { heldSubjects, holdsCovering, refuseHeld } from './holds-in-force.js'
import { BY_INDEX, entryOf } from './off-chain.js'
import { microsOf, readTime } from './read-time.js'

const SNAPSHOT = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${BY_INDEX}`

/** Retention in Postgres (ports.ts, RetentionStore). `defaults` are of chains that no policy was set for. */
export function postgresRetentionStore(database: Database, defaults: RetentionPolicy): RetentionStore {
  return {
    state: (domainId) =>
      database.withTransaction(SNAPSHOT, async (client) => {
        await assertChain(client, domainId)
        return stateOf(client, domainId, defaults)
      }),
    set: (domainId, policy, selfAudit) =>
      underLocks(database, [domainId], async (client) => {
        await assertChain(client, domainId)
        await client.query(SET, [domainId, policy.chainYears, policy.personalDays])
        return onlyRow(await appendUnderLocks(client, selfAudit))
      }),
    purge: (domainId, from, limit, selfAudit) =>
      underLocks(database, [domainId], async (client) => {
        await assertChain(client, domainId)
        // Under the lock: a hold that is being placed now is either seen here, or comes after this batch.
        refuseHeld(domainId, await holdsCovering(client, domainId, []))
        const { next, ...batch } = await purgeBatch(client, domainId, from, limit, defaults)
        if (batch.mappings + batch.contexts === 0) return { ...batch, next }
        // Dying before COMMIT leaves this batch whole: nothing goes without the row that tells of it.
        const told = onlyRow(await appendUnderLocks(client, selfAudit(batch)))
        return { ...batch, told, next }
      }),
  }
}

const SET = `
  INSERT INTO audit_retention_policy AS p (domain_id, chain_years, personal_days) VALUES ($1, $2, $3)
  ON CONFLICT (domain_id) DO UPDATE SET chain_years = excluded.chain_years, personal_days = excluded.personal_days,
    set_at = excluded.set_at`

/** The last row of a chain before a time: recorded_at never runs backwards, so all that are older lie before it. */
const lastBefore = (time: string) => `coalesce((
    SELECT seq FROM audit_log_entry WHERE domain_id = $1 AND recorded_at < ${time}
    ORDER BY recorded_at DESC, seq DESC LIMIT 1), 0)`

/** By the database's clock. */
const WINDOW = `
  SELECT is_set, chain_years, personal_days, cutoff::text, ${microsOf('cutoff')} AS cutoff_micros,
    ${lastBefore('cutoff')} AS due_seq
  FROM (
    SELECT p.domain_id IS NOT NULL AS is_set, v.*, now() - make_interval(days => v.personal_days) AS cutoff
    FROM (SELECT $1::uuid AS id) AS one LEFT JOIN audit_retention_policy p ON p.domain_id = one.id,
    LATERAL (SELECT coalesce(p.chain_years, $2) AS chain_years, coalesce(p.personal_days, $3) AS personal_days) AS v
  ) AS w`

interface Window {
  readonly is_set: boolean
  readonly chain_years: number
  readonly personal_days: number
  /** As Postgres writes it, to be given back. */
  readonly cutoff: string
  readonly cutoff_micros: string
  readonly due_seq: string
}

async function windowOf(client: Client, domainId: string, defaults: RetentionPolicy): Promise<Window> {
  const values = [domainId, defaults.chainYears, defaults.personalDays]
  const { rows } = await client.query<Window>(WINDOW, values)
  const [window] = rows
  if (window === undefined) throw new AuditError('internal', 'no retention window')
  return window
}

/**
 * A context is as old as its row; `$2` is the last row before the cutoff, `$3`. The row itself is asked too: where
 * somebody has moved a recorded_at back, no younger context goes with it.
 */
const DUE_CONTEXTS = `
  FROM audit_entry_context c LEFT JOIN ${entryOf('c')} AS e ON true
  WHERE c.domain_id = $1 AND c.seq <= $2 AND (e.seq IS NULL OR e.recorded_at < $3::timestamptz)`

/** A mapping is as old as the last row that brought personal data with it; `$2` is the cutoff. */
const DUE_MAPPINGS = 'FROM audit_subject_pii p WHERE p.domain_id = $1 AND p.last_seen_at < $2::timestamptz'

const STATE = `
  SELECT ${microsOf('floor')} AS floor_micros, ${lastBefore('floor')} AS floor_seq,
    (SELECT ${microsOf('recorded_at')} FROM audit_log_entry WHERE domain_id = $1
     ORDER BY recorded_at, seq LIMIT 1) AS oldest
  FROM (SELECT now() - make_interval(years => $2) AS floor) AS f`

interface StateRow {
  readonly floor_micros: string
  readonly floor_seq: string
  readonly oldest: string | null
}

interface Counts {
  readonly due: string
  readonly held: string
}

async function stateOf(client: Client, domainId: string, defaults: RetentionPolicy): Promise<RetentionState> {
  const window = await windowOf(client, domainId, defaults)
  const chainHolds = await holdsCovering(client, domainId, [])
  const held = await heldSubjects(client, domainId)
  const { rows } = await client.query<StateRow>(STATE, [domainId, window.chain_years])
  const contexts = await countOf(
    client,
    `SELECT count(*) AS due, count(*) FILTER (WHERE e.subject_pseudonym = ANY ($4::bytea[])) AS held ${DUE_CONTEXTS}`,
    [domainId, window.due_seq, window.cutoff, held],
  )
  const mappings = await countOf(
    client,
    `SELECT count(*) AS due, count(*) FILTER (WHERE p.subject_pseudonym = ANY ($3::bytea[])) AS held ${DUE_MAPPINGS}`,
    [domainId, window.cutoff, held],
  )
  const isHeld = chainHolds.length > 0
  return {
    isDefault: !window.is_set,
    policy: { chainYears: window.chain_years, personalDays: window.personal_days },
    floor: readTime(rows[0]?.floor_micros ?? '0'),
    oldest: readTime(rows[0]?.oldest ?? null),
    rowsBeyondFloor: Number(rows[0]?.floor_seq ?? 0),
    cutoff: readTime(window.cutoff_micros),
    contexts: isHeld ? 0 : contexts.due - contexts.held,
    heldContexts: isHeld ? contexts.due : contexts.held,
    mappings: isHeld ? 0 : mappings.due - mappings.held,
    heldMappings: isHeld ? mappings.due : mappings.held,
    chainHolds,
  }
}

async function countOf(
  client: Client,
  text: string,
  values: unknown[],
): Promise<{ due: number; held: number }> {
  const { rows } = await client.query<Counts>(text, values)
  return { due: Number(rows[0]?.due), held: Number(rows[0]?.held) }
}

/** What is on hold is left out here; the guard of the table looks again at what went. */
const PURGE_CONTEXTS = `
  WITH gone AS (
    DELETE FROM audit_entry_context WHERE ctid = ANY (ARRAY(
      SELECT c.ctid ${DUE_CONTEXTS} AND c.seq > $5
        AND NOT coalesce(e.subject_pseudonym = ANY ($4::bytea[]), false)
      ORDER BY c.domain_id, c.seq LIMIT $6))
    RETURNING seq
  ) SELECT count(*) AS n, max(seq)::text AS last FROM gone`

const PURGE_MAPPINGS = `
  WITH gone AS (
    DELETE FROM audit_subject_pii WHERE ctid = ANY (ARRAY(
      SELECT p.ctid ${DUE_MAPPINGS} AND p.subject_pseudonym > decode($4, 'hex')
        AND p.subject_pseudonym <> ALL ($3::bytea[])
      ORDER BY p.domain_id, p.subject_pseudonym LIMIT $5))
    RETURNING subject_pseudonym
  ) SELECT count(*) AS n, max(encode(subject_pseudonym, 'hex')) AS last FROM gone`

interface Gone {
  readonly n: string
  readonly last: string | null
}

async function purgeBatch(
  client: Client,
  domainId: string,
  from: PurgePosition,
  limit: number,
  defaults: RetentionPolicy,
): Promise<Omit<PurgeStep, 'told'>> {
  await client.query(BY_INDEX)
  const window = await windowOf(client, domainId, defaults)
  const held = await heldSubjects(client, domainId)
  const contexts = await goneBy(client, PURGE_CONTEXTS, [
    domainId,
    window.due_seq,
    window.cutoff,
    held,
    from.afterSeq,
    limit,
  ])
  const mappings = await goneBy(client, PURGE_MAPPINGS, [
    domainId,
    window.cutoff,
    held,
    from.afterPseudonym,
    limit,
  ])
  const isFull = contexts.n === limit || mappings.n === limit
  return {
    mappings: mappings.n,
    contexts: contexts.n,
    cutoff: readTime(window.cutoff_micros),
    next: isFull
      ? {
          afterSeq: Number(contexts.last ?? from.afterSeq),
          afterPseudonym: mappings.last ?? from.afterPseudonym,
        }
      : undefined,
  }
}

async function goneBy(
  client: Client,
  text: string,
  values: unknown[],
): Promise<{ n: number; last: string | null }> {
  const { rows } = await client.query<Gone>(text, values)
  return { n: Number(rows[0]?.n), last: rows[0]?.last ?? null }
}
