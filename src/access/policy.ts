import { chainObject } from '../chain/self-audit.js'
import type { Placed } from '../ports/append.js'
import { policySet } from './actions.js'
import { auditItem } from './audit-rows.js'
import { assertMayManage } from './authority.js'
import type { Management } from './management.js'

/** What a chain requires of callers that erase on it. */
export interface AccessPolicy {
  readonly domainId: string
  /**
   * `owner-only`: the caller needs a key that an owner made for erasing. `manage`: any caller who manages the chain may
   * erase, that is an owner or admin.
   */
  readonly erase: 'owner-only' | 'manage'
}

export interface ChangedPolicy extends AccessPolicy {
  /** The row that records the change. Absent when nothing changed. */
  readonly auditRow?: Placed | undefined
}

export async function showPolicy(
  { policy, signal }: Pick<Management, 'policy' | 'signal'>,
  domainId: string,
): Promise<AccessPolicy> {
  const isOwnerOnly = await policy.isEraseOwnerOnly(chainObject(domainId), signal)
  return { domainId, erase: isOwnerOnly ? 'owner-only' : 'manage' }
}

/**
 * Sets the policy and writes a row audit.access-policy; writes no row when the policy does not change. A user or service
 * must be an owner, because an admin could exempt themselves; the operator may set the policy too. Rejects with
 * `access_denied`, `domain_not_found`, and with the errors of an append.
 */
export async function setPolicy(
  ports: Management,
  domainId: string,
  erase: AccessPolicy['erase'],
): Promise<ChangedPolicy> {
  await assertMayManage(ports, 'owner', chainObject(domainId))
  const isOwnerOnly = erase === 'owner-only'
  const selfAudit = await auditItem(ports, [domainId], () => [policySet(domainId, isOwnerOnly)])
  const { auditRows } = await ports.policy.setEraseOwnerOnly(domainId, isOwnerOnly, selfAudit)
  return { domainId, erase, auditRow: auditRows[0] }
}
