import { formatTimestamp } from '../chain/timestamp.js'
import { AuditError } from '../errors.js'
import type {
  Pepper,
  PurgedBatch,
  PurgePosition,
  PurgeStep,
  RetentionPolicy,
  RetentionState,
  RetentionStore,
} from '../ports.js'
import { wireTime } from '../query/wire.js'
import { chainObject, type Deed, type Scribe, selfAuditItem } from '../sink/self-audit-item.js'

export const RETENTION_SET_RELATION = 'audit.retention-set'
export const RETENTION_PURGE_RELATION = 'audit.retention-purge'

/** Of a chain that no policy was set for. */
export const DEFAULT_POLICY: RetentionPolicy = { chainYears: 7, personalDays: 365 }

/** The same bounds stand as CHECKs in SQL. */
const YEARS = { min: 7, max: 100 }
const DAYS = { min: 1, max: 36_500 }

/** Contexts and mappings each that go in one transaction at most: the chain's appends wait for some 50 ms. */
const BATCH = 5_000

export interface RetentionPorts {
  readonly store: RetentionStore
  readonly pepper: Pepper
}

/** Who acts on which chain; `actor` is a subject_id. */
export interface OnChain {
  readonly domainId: string
  readonly actor: string
}

interface Counts {
  readonly mappings: number
  readonly contexts: number
}

/** A chain's policy, and what is due by it. */
export interface RetentionJson {
  readonly domain_id: string
  readonly chain_years: number
  readonly personal_days: number
  /** Nobody has set one. */
  readonly is_default: boolean
  /** Rows from before are past the chain's years. They stay: no row is ever deleted. */
  readonly floor: string
  readonly oldest_row?: string
  readonly rows_older_than_floor: number
  /** Personal data from before is due. */
  readonly personal_data_before: string
  readonly due: Counts
  /** As old, and kept by a legal hold. */
  readonly held: Counts
  /** Legal holds on the whole chain. */
  readonly chain_holds: readonly number[]
}

/** What a purge deleted or, of a dry run, would delete. */
export interface PurgeJson {
  readonly domain_id: string
  readonly dry_run: boolean
  readonly personal_data_before: string
  readonly mappings: number
  readonly contexts: number
  readonly held: Counts
  readonly chain_holds: readonly number[]
  /** The self-audit rows, one a transaction. */
  readonly rows: readonly { readonly seq: number; readonly entry_hash: string }[]
}

/** Rejects with `domain_not_found`. */
export async function showRetention(store: RetentionStore, domainId: string): Promise<RetentionJson> {
  const state = await store.state(domainId)
  return {
    domain_id: domainId,
    chain_years: state.policy.chainYears,
    personal_days: state.policy.personalDays,
    is_default: state.isDefault,
    floor: wireTime(state.floor),
    ...(state.oldest !== undefined && { oldest_row: wireTime(state.oldest) }),
    rows_older_than_floor: state.rowsBeyondFloor,
    personal_data_before: wireTime(state.cutoff),
    due: { mappings: state.mappings, contexts: state.contexts },
    held: heldOf(state),
    chain_holds: state.chainHolds,
  }
}

/**
 * Sets the policy of a chain; what is not given stays as it is. The new one is hashed with the row that tells of it.
 * Rejects with `invalid_input`, `domain_not_found`, and as an append does.
 */
export async function setRetention(
  { store, pepper }: RetentionPorts,
  { domainId, actor }: OnChain,
  change: Partial<RetentionPolicy>,
): Promise<RetentionJson> {
  const { policy } = await store.state(domainId)
  const chainYears = checked('chain years', change.chainYears ?? policy.chainYears, YEARS)
  const personalDays = checked('personal days', change.personalDays ?? policy.personalDays, DAYS)
  const scribe: Scribe = { domainId, actor, pepper: await pepper.pepperOf(domainId) }
  const relationPath = [`chain_years:${chainYears}`, `personal_days:${personalDays}`]
  const row = selfAuditItem(scribe, [deedOf(RETENTION_SET_RELATION, domainId, relationPath)])
  await store.set(domainId, { chainYears, personalDays }, row)
  return showRetention(store, domainId)
}

/** Changes nothing. Rejects with `domain_not_found`. */
export async function previewPurge(store: RetentionStore, domainId: string): Promise<PurgeJson> {
  const { mappings, contexts, ...state } = await store.state(domainId)
  return purgeJson(domainId, state, { mappings, contexts, rows: [], dryRun: true })
}

/**
 * Purges the personal data of a chain that is past its window, in transactions of a bounded size, each with the row that
 * tells of it; interrupted, it can be run again. What single holds cover is passed over and counted. Rejects with
 * `legal_hold` where one covers the whole chain, with `domain_not_found`, and as an append does.
 */
export async function applyRetention(
  { store, pepper }: RetentionPorts,
  { domainId, actor }: OnChain,
  signal: AbortSignal,
  batch = BATCH,
): Promise<PurgeJson> {
  const state = await store.state(domainId)
  const scribe: Scribe = { domainId, actor, pepper: await pepper.pepperOf(domainId) }
  const steps: PurgeStep[] = []
  for (let from: PurgePosition | undefined = START; from !== undefined; ) {
    signal.throwIfAborted()
    const step: PurgeStep = await store.purge(domainId, from, batch, (purged) =>
      selfAuditItem(scribe, [deedOf(RETENTION_PURGE_RELATION, domainId, figuresOf(purged))]),
    )
    steps.push(step)
    from = step.next
  }
  return purgeJson(domainId, state, {
    mappings: sum(steps, (step) => step.mappings),
    contexts: sum(steps, (step) => step.contexts),
    rows: steps.flatMap(({ told }) => (told ? [{ seq: told.seq, entry_hash: told.entryHash }] : [])),
    dryRun: false,
  })
}

const START: PurgePosition = { afterSeq: 0, afterPseudonym: '' }

type Purged = Counts & { readonly rows: PurgeJson['rows']; readonly dryRun: boolean }

function purgeJson(
  domainId: string,
  state: Omit<RetentionState, keyof Counts>,
  { mappings, contexts, rows, dryRun }: Purged,
): PurgeJson {
  return {
    domain_id: domainId,
    dry_run: dryRun,
    personal_data_before: wireTime(state.cutoff),
    mappings,
    contexts,
    held: heldOf(state),
    chain_holds: state.chainHolds,
    rows,
  }
}

function heldOf(state: Pick<RetentionState, 'heldMappings' | 'heldContexts'>): Counts {
  return { mappings: state.heldMappings, contexts: state.heldContexts }
}

function deedOf(relation: string, domainId: string, relationPath: readonly string[]): Deed {
  return { relation, object: chainObject(domainId), relationPath }
}

function figuresOf({ mappings, contexts, cutoff }: PurgedBatch): string[] {
  const before = typeof cutoff === 'bigint' ? formatTimestamp(cutoff) : cutoff
  return [`mappings:${mappings}`, `contexts:${contexts}`, `before:${before}`]
}

function checked(name: string, value: number, { min, max }: { min: number; max: number }): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new AuditError('invalid_input', `${name}: expected a whole number from ${min} to ${max}`)
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
