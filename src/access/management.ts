import type { AccessPolicyStore, ApiKeyStore, MintedKey } from '../ports/keys.js'
import type { RelationStore } from '../ports/relations.js'
import type { Authority } from './authority.js'
import type { Teller } from './tell.js'

/** What keys and relations are managed with. */
export interface Management extends Authority, Teller {
  readonly keys: ApiKeyStore
  readonly relations: RelationStore
  readonly policy: AccessPolicyStore
  readonly mint: () => MintedKey
  /** Whether it is the tuples of `relations` that say who may; else another authorizer has relations of its own. */
  readonly tuplesDecide: boolean
}
