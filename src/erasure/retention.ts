import { type SelfAuditAction, type SelfAuditActor, selfAuditItem } from '../append/self-audit-item.js'
import { AuditError } from '../base/errors.js'
import { wireTime } from '../base/wire-time.js'
import { chainObject, SELF_AUDIT } from '../chain/self-audit.js'
import type { Pepper } from '../ports/pepper.js'
import type { RetentionPolicy, RetentionState, RetentionStore } from '../ports/retention.js'

/** Of a chain that no policy was set for. */
export const DEFAULT_POLICY: RetentionPolicy = { chainYears: 7, personalDays: 365 }

/** The same bounds stand as CHECKs in SQL. */
const YEARS = { min: 7, max: 100 }
const DAYS = { min: 1, max: 36_500 }

export interface RetentionPorts {
  readonly store: RetentionStore
  readonly pepper: Pepper
}

/** Who acts on which chain; `actor` is a subject_id. */
export interface OnChain {
  readonly domainId: string
  readonly actor: string
}

export interface Counts {
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
  const selfAuditActor: SelfAuditActor = { domainId, actor, pepper: await pepper.pepperOf(domainId) }
  const relationPath = [`chain_years:${chainYears}`, `personal_days:${personalDays}`]
  const row = selfAuditItem(selfAuditActor, [chainAction(SELF_AUDIT.retentionSet, domainId, relationPath)])
  await store.set(domainId, { chainYears, personalDays }, row)
  return showRetention(store, domainId)
}

/** What is past the window and kept by holds. */
export function heldOf(state: Pick<RetentionState, 'heldMappings' | 'heldContexts'>): Counts {
  return { mappings: state.heldMappings, contexts: state.heldContexts }
}

/** What concerns a chain's personal data as a whole. */
export function chainAction(
  relation: string,
  domainId: string,
  relationPath: readonly string[],
): SelfAuditAction {
  return { relation, object: chainObject(domainId), relationPath }
}

function checked(name: string, value: number, { min, max }: { min: number; max: number }): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new AuditError('invalid_input', `${name}: expected a whole number from ${min} to ${max}`)
}
