import type { Authenticator, Authorizer, OwnerOnlyPolicy } from '../ports/access.js'

/** Who calls, and what they may. */
export interface Access {
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly ownerOnly?: OwnerOnlyPolicy | undefined
}
