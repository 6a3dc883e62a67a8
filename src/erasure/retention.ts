import { type SelfAuditAction, type SelfAuditActor, selfAuditItem } from '../append/self-audit-item.js'
import { AuditError } from '../base/errors.js'
import { chainObject, SELF_AUDIT } from '../chain/self-audit.js'
import type { Pepper } from '../ports/pepper.js'
import type { RetentionPolicy, RetentionState, RetentionStore } from '../ports/retention.js'

/** The default policy. */
export const DEFAULT_POLICY: RetentionPolicy = { chainYears: 7, personalDays: 365 }

/** The schema has the same bounds as CHECKs. */
const YEARS = { min: 7, max: 100 }
const DAYS = { min: 1, max: 36_500 }

export interface RetentionPorts {
  readonly store: RetentionStore
  readonly pepper: Pepper
}

/** A chain and who acts on it. */
export interface ChainActor {
  readonly domainId: string
  /** A subject_id. */
  readonly actor: string
}

export interface Counts {
  readonly mappings: number
  readonly contexts: number
}

/** A chain's policy, and what is due under it. */
export interface Retention extends RetentionState {
  readonly domainId: string
}

/** Returns the policy and what is due. Rejects with `domain_not_found`. */
export async function showRetention(store: RetentionStore, domainId: string): Promise<Retention> {
  return { domainId, ...(await store.state(domainId)) }
}

/**
 * Sets the policy of a chain and returns its new state. A field that `change` leaves out stays as it is. The new policy is
 * hashed with the row that records it. Rejects with `invalid_input`, `domain_not_found`, and with the errors of an append.
 */
export async function setRetention(
  { store, pepper }: RetentionPorts,
  { domainId, actor }: ChainActor,
  change: Partial<RetentionPolicy>,
): Promise<Retention> {
  const { policy } = await store.state(domainId)
  const chainYears = checked('chain years', change.chainYears ?? policy.chainYears, YEARS)
  const personalDays = checked('personal days', change.personalDays ?? policy.personalDays, DAYS)
  const selfAuditActor: SelfAuditActor = { domainId, actor, pepper: await pepper.pepperOf(domainId) }
  const relationPath = [`chain_years:${chainYears}`, `personal_days:${personalDays}`]
  const row = selfAuditItem(selfAuditActor, [chainAction(SELF_AUDIT.retentionSet, domainId, relationPath)])
  await store.set(domainId, { chainYears, personalDays }, row)
  return showRetention(store, domainId)
}

/** Returns an action whose object is the whole chain. */
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
