import { LIMITS } from '../../chain/limits.js'
import { SELF_AUDIT } from '../../chain/self-audit.js'
import type { AppendItem, Placed } from '../../ports/append.js'
import type { TimeOrder } from '../../ports/query.js'
import type {
  PurgedBatch,
  PurgeStep,
  RetentionPolicy,
  RetentionState,
  RetentionStore,
} from '../../ports/retention.js'
import { appendUnderLocks } from '../append/append.js'
import { underLocks } from '../append/under-locks.js'
import type { Client, Database } from '../session/database.js'
import { microsOf, readTime } from '../session/read-time.js'
import { recordedAfter, type Written, withheld, written } from '../session/written.js'
import { timeOrderOf } from '../time-range/time-order.js'
import { assertChain } from './erase.js'
import { onlyRow } from './holds.js'
import { heldSubjects, holdsCovering, refuseHeld } from './holds-in-force.js'
import { BY_INDEX } from './off-chain.js'
import { type Gone, purged } from './purged-state.js'
import { type PurgedStep, purgeBatch } from './retention-purge.js'
import {
  DUE_CONTEXTS,
  DUE_MAPPINGS,
  DUE_REVEALS,
  DUE_WITH_MAPPING,
  lastBefore,
  windowOf,
} from './retention-window.js'

const SNAPSHOT = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${BY_INDEX}`

/** Keeps retention policies and purges by them. `defaults` hold for chains without a policy. Implements RetentionStore. */
export function postgresRetentionStore(database: Database, defaults: RetentionPolicy): RetentionStore {
  return {
    state: (domainId) =>
      database.withTransaction(SNAPSHOT, async (client) => {
        await assertChain(client, domainId)
        return stateOf(client, domainId, defaults)
      }),
    set: (domainId, policy, selfAudit) =>
      underLocks(
        database,
        [domainId],
        async (client) => {
          await assertChain(client, domainId)
          const { rowCount } = await client.query(SET, [domainId, policy.chainYears, policy.personalDays])
          if (rowCount !== 1) throw withheld(`the retention policy of chain ${domainId}`)
          return onlyRow(await appendUnderLocks(client, selfAudit))
        },
        written((auditRow) => policySet(domainId, policy, auditRow)),
      ),
    purge: async (domainId, from, limit, selfAudit) => {
      const { step } = await underLocks(
        database,
        [domainId],
        (client) =>
          purge(client, domainId, selfAudit, () => purgeBatch(client, domainId, from, limit, defaults)),
        written(({ gone }: Purged) => purged(domainId, gone)),
      )
      return step
    },
  }
}

interface Purged {
  readonly gone: Gone
  readonly step: PurgeStep
}

async function purge(
  client: Client,
  domainId: string,
  selfAudit: (purged: PurgedBatch) => AppendItem,
  deleteBatch: () => Promise<PurgedStep>,
): Promise<Purged> {
  await assertChain(client, domainId)
  // The lock orders this batch and a concurrent hold: either the hold is seen here, or it comes later.
  refuseHeld(domainId, await holdsCovering(client, domainId, []))
  const { next, gone, ...batch } = await deleteBatch()
  if (batch.mappings + batch.contexts + batch.reveals === 0) return { gone, step: { ...batch, next } }
  // A crash before COMMIT deletes nothing of this batch: no data goes without the row that records the deletion.
  const auditRow = onlyRow(await appendUnderLocks(client, selfAudit(batch)))
  return { gone, step: { ...batch, auditRow, next } }
}

/** Another program may have set another policy between COMMIT and the look. */
function policySet(
  domainId: string,
  { chainYears, personalDays }: RetentionPolicy,
  auditRow: Placed,
): Written {
  return {
    what: `the retention policy of chain ${domainId}`,
    isThere: `${recordedAfter(auditRow, SELF_AUDIT.retentionSet)} OR EXISTS (
      SELECT FROM audit_retention_policy WHERE domain_id = '${domainId}'
        AND chain_years = ${chainYears} AND personal_days = ${personalDays})`,
    otherwise: 'the policy was another one',
  }
}

const SET = `
  INSERT INTO audit_retention_policy AS p (domain_id, chain_years, personal_days) VALUES ($1, $2, $3)
  ON CONFLICT (domain_id) DO UPDATE SET chain_years = excluded.chain_years, personal_days = excluded.personal_days,
    set_at = excluded.set_at`

const stateBy = (order: TimeOrder) => `
  SELECT ${microsOf('floor')} AS floor_micros, ${lastBefore('floor', order)} AS floor_seq,
    (SELECT ${microsOf('recorded_at')} FROM audit_log_entry WHERE domain_id = $1 AND seq >= 1 ORDER BY seq LIMIT 1) AS oldest
  FROM (SELECT now() - make_interval(years => $2) AS floor) AS f`

interface StateRow {
  readonly floor_micros: string
  readonly floor_seq: string
  readonly oldest: string | null
}

interface Counts {
  readonly due: string
  readonly held: string
  readonly last?: string | null
}

async function stateOf(client: Client, domainId: string, defaults: RetentionPolicy): Promise<RetentionState> {
  const window = await windowOf(client, domainId, defaults)
  const chainHolds = await holdsCovering(client, domainId, [])
  const held = await heldSubjects(client, domainId)
  const state = stateBy(await timeOrderOf(client, domainId))
  const { rows } = await client.query<StateRow>(state, [domainId, window.chain_years])
  const contexts = await countOf(
    client,
    `SELECT count(*) AS due, count(*) FILTER (WHERE e.subject_pseudonym = ANY ($4::bytea[])) AS held,
      max(c.seq) AS last ${DUE_CONTEXTS}`,
    [domainId, LIMITS.maxSeq, window.cutoff, held],
  )
  const mappings = await countOf(
    client,
    `SELECT count(*) AS due, count(*) FILTER (WHERE p.subject_pseudonym = ANY ($3::bytea[])) AS held ${DUE_MAPPINGS}`,
    [domainId, window.cutoff, held],
  )
  const reveals = await countOf(
    client,
    `SELECT count(*) AS due, count(*) FILTER (WHERE subject_pseudonym = ANY ($4::bytea[])) AS held,
      max(seq) AS last FROM (
      SELECT r.seq, r.subject_pseudonym ${DUE_WITH_MAPPING}
      UNION ALL SELECT r.seq, r.subject_pseudonym ${DUE_REVEALS}) AS r`,
    [domainId, LIMITS.maxSeq, window.cutoff, held],
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
    reveals: isHeld ? 0 : reveals.due - reveals.held,
    heldMappings: isHeld ? mappings.due : mappings.held,
    chainHolds,
    lastDue: Math.max(contexts.last, reveals.last),
  }
}

async function countOf(
  client: Client,
  text: string,
  values: unknown[],
): Promise<{ due: number; held: number; last: number }> {
  const { rows } = await client.query<Counts>(text, values)
  const [row] = rows
  return { due: Number(row?.due), held: Number(row?.held), last: Number(row?.last ?? 0) }
}
