import { v7 as uuidv7 } from 'uuid'
import { newDomainId } from '../../append/create-domain.js'
import { domainPath } from '../../append/domain-path.js'
import { AuditError } from '../../base/errors.js'

/** The flags of `domain create`. */
interface NewDomainFlags {
  readonly domain?: string | undefined
  readonly name: string
  readonly mirror?: string | undefined
}

/** What a Domain is created with. */
export interface NewDomainRequest {
  readonly domainId: string
  readonly name: string
  readonly mirrorUrl: string | undefined
}

/**
 * Checks the flags before a database is opened, which might be created for them. Throws `invalid_domain_id`, `usage`, or
 * `personal_data_in_chain` for a name that holds the actor or an e-mail address. The message begins with the flag.
 */
export function parseNewDomain({ domain, name, mirror }: NewDomainFlags, actor: string): NewDomainRequest {
  const domainId = domain === undefined ? uuidv7() : ofFlag('--domain', () => newDomainId(domain))
  ofFlag('--mirror', () => domainPath({ mirrorUrl: mirror, actor }))
  if (name !== '') ofFlag('--name', () => domainPath({ name, actor }))
  return { domainId, name, mirrorUrl: mirror }
}

function ofFlag<T>(flag: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof AuditError)) throw cause
    throw new AuditError(cause.code, `${flag}: ${cause.message}`, { advice: cause.advice, cause })
  }
}
