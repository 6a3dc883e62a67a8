import type { AccessPolicyStore, ApiKeyStore, MintedKey } from '../ports/keys.js'
import type { RelationStore } from '../ports/relations.js'
import type { AuditContext } from './audit-rows.js'
import type { Authority } from './authority.js'

/** The ports for managing keys and relations. */
export interface Management extends Authority, AuditContext {
  readonly keys: ApiKeyStore
  readonly relations: RelationStore
  readonly policy: AccessPolicyStore
  readonly mint: () => MintedKey
  /** The tuples of `relations` decide who may do what. False if another authorizer has relations of its own. */
  readonly tuplesDecide: boolean
}
