import type { Authenticator, Authorizer, OwnerOnlyPolicy } from '../ports.js'

/** Who calls, and what they may. */
export interface Access {
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly ownerOnly?: OwnerOnlyPolicy | undefined
}
