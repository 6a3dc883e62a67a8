import { FormatError } from '../chain/format-error.js'
import { parseDomainId } from '../chain/uuid.js'
import { AuditError } from './errors.js'

/** Returns the id of a Domain or the platform anchor in lower case. Throws `invalid_domain_id` for any other text. */
export function checkedDomainId(text: string): string {
  try {
    return parseDomainId(text)
  } catch (error) {
    if (error instanceof FormatError) throw new AuditError('invalid_domain_id', error.message)
    throw error
  }
}
