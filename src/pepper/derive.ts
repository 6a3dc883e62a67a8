import { hkdfSync } from 'node:crypto'
import { AuditError } from '../base/errors.js'
import { FormatError } from '../chain/format-error.js'
import { utf8 } from '../chain/limits.js'
import { parseDomainId, uuidBytes } from '../chain/uuid.js'

/** The pepper of one Domain from 32 raw bytes: HKDF-SHA256 with an empty salt (format.md, "Pseudonym"). */
export function derivePepper(key: Uint8Array, domainId: string): Uint8Array {
  return derive(key, Buffer.concat([utf8('audit/pepper/v1'), uuidBytes(domainId)]))
}

/** The cursor key from the same 32 bytes. */
export function deriveCursorKey(key: Uint8Array): Uint8Array {
  return derive(key, utf8('audit/cursor/v1'))
}

function derive(key: Uint8Array, info: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), info, 32))
}

/** The Domain that a pepper is asked for, in lower case. Throws AuditError `invalid_domain_id`. */
export function pepperDomain(domainId: string): string {
  try {
    return parseDomainId(domainId)
  } catch (error) {
    if (error instanceof FormatError) throw new AuditError('invalid_domain_id', error.message)
    throw error
  }
}
