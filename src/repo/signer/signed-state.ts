import { LIMITS } from '../../chain/limits.js'
import type { SignedState, SigningFacts, SigningLedger } from '../../ports/signer.js'
import { isStamped, isStampedAbove, stampedAbove } from '../session/archive-stamp.js'
import type { Client, Database } from '../session/database.js'
import { SNAPSHOT_BEGIN } from '../session/snapshot.js'
import { withChainsOf } from '../session/stored-chains.js'
import { INCARNATION } from './growth.js'

const ALL = withChainsOf('signed', 'audit_checkpoint')

const ONE = 'WITH signed(domain_id) AS (VALUES ($1::uuid))'

/** Seconds since a time of the database's clock; NULL for an infinite time. */
const since = (time: string) =>
  `CASE WHEN isfinite(${time}) THEN greatest(extract(epoch FROM clock_timestamp() - ${time}), 0) END`

/**
 * A chain that is signed up to its end costs a few probes, and so does one whose rows wait for a mirror that is down: only the stamps
 * beyond the head are read.
 */
const STATE = `
  SELECT g.domain_id::text AS id, head.size, head.age, beyond.archived,
    CASE WHEN beyond.archived > 0 THEN (
      SELECT ${since('s.archived_at')} ${stampedAbove('g.domain_id', 'head.size')} ORDER BY s.seq LIMIT 1) END AS waiting
  FROM signed g
  CROSS JOIN LATERAL (
    SELECT size, ${since('signed_at')} AS age FROM audit_checkpoint c
    WHERE c.domain_id = g.domain_id AND c.incarnation = ${INCARNATION} ORDER BY size DESC LIMIT 1) AS head
  CROSS JOIN LATERAL (
    SELECT coalesce(max(seq), 0) AS seq FROM audit_log_entry e WHERE e.domain_id = g.domain_id) AS last
  CROSS JOIN LATERAL (
    SELECT CASE WHEN last.seq > head.size THEN (
      SELECT count(*) ${stampedAbove('g.domain_id', 'head.size')}) ELSE 0 END AS archived) AS beyond`

interface StateRow {
  readonly id: string
  readonly size: string
  readonly age: string | null
  readonly archived: string
  readonly waiting: string | null
}

/** Returns the state of every chain in the index. Nothing of the index is checked. */
export function signedStates(database: Database): Promise<SignedState[]> {
  return database.withTransaction(SNAPSHOT_BEGIN, (client) => read(client, ALL, []))
}

const IS_SIGNED = 'SELECT EXISTS (SELECT FROM audit_checkpoint) AS signed'

/** $2 is the size of the newest head, or 0. */
const FACTS = `
  SELECT last.seq AS last_seq, EXISTS (SELECT FROM audit_restore r WHERE r.domain_id = $1)
      AND NOT EXISTS (SELECT FROM audit_log_chain_head h WHERE h.domain_id = $1) AS restoring,
    EXISTS (SELECT FROM audit_tamper_quarantine q WHERE q.domain_id = $1 AND q.seq_to > $2) AS found,
    last.seq > $2 AND EXISTS (
      SELECT FROM audit_log_entry e WHERE e.domain_id = $1 AND e.seq = $2 + 1 AND NOT (${isStamped('e')}))
    AND CASE WHEN ${isStampedAbove('$1', '$2')} THEN true ELSE last.seq - $2 > (
      SELECT count(*) FROM audit_log_entry e WHERE e.domain_id = $1 AND e.seq > $2) END AS held
  FROM (SELECT coalesce(max(seq), 0) AS seq FROM audit_log_entry WHERE domain_id = $1 AND seq <= ${LIMITS.maxSeq}) AS last`

interface FactsRow {
  readonly last_seq: string
  readonly restoring: boolean
  readonly found: boolean
  readonly held: boolean
}

/** Implements SigningLedger. Rejects with `database_permission_denied` for a role that may not read the index. */
export function postgresSigningLedger(database: Database): SigningLedger {
  return {
    isSigned: () =>
      database.withTransaction(SNAPSHOT_BEGIN, async (client) => {
        const { rows } = await client.query<{ signed: boolean }>(IS_SIGNED)
        return rows[0]?.signed === true
      }),
    facts: (domainId) => database.withTransaction(SNAPSHOT_BEGIN, (client) => factsOf(client, domainId)),
  }
}

async function factsOf(client: Client, domainId: string): Promise<SigningFacts> {
  const [state] = await read(client, ONE, [domainId])
  const { rows } = await client.query<FactsRow>(FACTS, [domainId, state?.signedSeq ?? 0])
  const [row] = rows
  return {
    state,
    lastSeq: Number(row?.last_seq ?? 0),
    isRestoring: row?.restoring === true,
    isHeld: row?.held === true,
    hasFinding: row?.found === true,
  }
}

async function read(client: Client, chains: string, values: readonly string[]): Promise<SignedState[]> {
  await client.query('SET LOCAL jit = off')
  const { rows } = await client.query<StateRow>(`${chains} ${STATE}`, [...values])
  return rows.map(({ id, size, age, archived, waiting }) => ({
    domainId: id,
    signedSeq: Number(size),
    ageSeconds: Number(age ?? 0),
    unsignedRows: Number(archived),
    ...(waiting !== null && { waitingSeconds: Number(waiting) }),
  }))
}
