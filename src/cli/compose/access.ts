import { AuditError } from '../../errors.js'
import type { Authenticator, Authorizer, OwnerOnlyPolicy } from '../../ports.js'
import type { Context } from '../context.js'

/** Who calls, and what they may. */
export interface Access {
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly ownerOnly?: OwnerOnlyPolicy | undefined
}

/** Rejects with `usage` where there is nothing to tell callers by: nothing is ever served to just anybody. */
export async function accessOf(_context: Context): Promise<Access> {
  throw new AuditError('usage', 'there is nothing to check credentials with', {
    hint: 'this build of audit has neither API keys nor relations yet',
  })
}
