import { chainObject } from '../chain/self-audit.js'
import { policySet } from './actions.js'
import { auditItem } from './audit-rows.js'
import { assertManages } from './authority.js'
import type { Management } from './management.js'

/** What a chain asks of those who erase on it. */
export interface PolicyJson {
  readonly domain_id: string
  /** `owner-only`: a key that an owner made for it; `manage`: whoever is owner or admin. */
  readonly erase: 'owner-only' | 'manage'
  readonly seq?: number
  readonly entry_hash?: string
}

export async function showPolicy(
  { policy, signal }: Pick<Management, 'policy' | 'signal'>,
  domainId: string,
): Promise<PolicyJson> {
  const isOwnerOnly = await policy.isEraseOwnerOnly(chainObject(domainId), signal)
  return { domain_id: domainId, erase: isOwnerOnly ? 'owner-only' : 'manage' }
}

/**
 * Sets it, with a row audit.access-policy; where it was so before no row is written. It is an owner's to set: an admin could
 * free themselves of it. Rejects with `access_denied`, `domain_not_found`, and as an append does.
 */
export async function setPolicy(
  ports: Management,
  domainId: string,
  erase: PolicyJson['erase'],
): Promise<PolicyJson> {
  await assertManages(ports, 'owner', chainObject(domainId))
  const isOwnerOnly = erase === 'owner-only'
  const selfAudit = await auditItem(ports, [domainId], () => [policySet(domainId, isOwnerOnly)])
  const { auditRows } = await ports.policy.setEraseOwnerOnly(domainId, isOwnerOnly, selfAudit)
  const [row] = auditRows
  return {
    domain_id: domainId,
    erase,
    ...(row !== undefined && { seq: row.seq, entry_hash: row.entryHash }),
  }
}
