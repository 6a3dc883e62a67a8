import { checkedDomainId } from '../base/domain-id.js'
import { AuditError } from '../base/errors.js'
import { chainObject, SELF_AUDIT } from '../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { Placed } from '../ports/append.js'
import type { DomainNames } from '../ports/domains.js'
import type { Pepper } from '../ports/pepper.js'
import { domainPath } from './domain-path.js'
import { selfAuditItem } from './self-audit-item.js'

export interface NameDomain {
  readonly domainId: string
  readonly name: string
  /** The subject_id of the caller. */
  readonly actor: string
}

/**
 * Names a Domain: one row on the platform chain, and the name in the registry, in one transaction. The newest such row is
 * the Domain's name. Returns where the row was appended. Rejects with `invalid_domain_id` for the platform anchor, with
 * `domain_not_found`, with `usage` or `personal_data_in_chain` for the name, and with the errors of an append.
 */
export async function nameDomain(request: NameDomain, names: DomainNames, pepper: Pepper): Promise<Placed> {
  const domainId = checkedDomainId(request.domainId)
  if (domainId === PLATFORM_ANCHOR)
    throw new AuditError('invalid_domain_id', 'the platform anchor is not a Domain')
  const { name, actor } = request
  const action = {
    relation: SELF_AUDIT.domainName,
    object: chainObject(domainId),
    relationPath: domainPath({ name, actor }),
  }
  const selfAuditActor = { domainId: PLATFORM_ANCHOR, actor, pepper: await pepper.pepperOf(PLATFORM_ANCHOR) }
  return names.rename(domainId, name, selfAuditItem(selfAuditActor, [action]))
}
