import type { AccessPolicyStore, ApiKeyStore, MintedKey } from '../ports/keys.js'
import type { RelationStore } from '../ports/relations.js'
import type { AuditContext } from './audit-rows.js'
import type { Authority } from './authority.js'

/** What keys and relations are managed with. */
export interface Management extends Authority, AuditContext {
  readonly keys: ApiKeyStore
  readonly relations: RelationStore
  readonly policy: AccessPolicyStore
  readonly mint: () => MintedKey
  /** Whether it is the tuples of `relations` that say who may; else another authorizer has relations of its own. */
  readonly tuplesDecide: boolean
}
