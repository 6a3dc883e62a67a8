import { hkdfSync } from 'node:crypto'
import { AuditError } from '../base/errors.js'
import { FormatError } from '../chain/format-error.js'
import { utf8 } from '../chain/limits.js'
import { parseDomainId } from '../chain/uuid.js'
import { uuidBytes } from '../chain/uuid-bytes.js'

/** Derives the pepper of one Domain from 32 raw bytes: HKDF-SHA256 with an empty salt (docs/pepper.md). */
export function derivePepper(key: Uint8Array, domainId: string): Uint8Array {
  return derive(key, Buffer.concat([utf8('audit/pepper/v1'), uuidBytes(domainId)]))
}

/** Derives the cursor key from the same 32 bytes. */
export function deriveCursorKey(key: Uint8Array): Uint8Array {
  return derive(key, utf8('audit/cursor/v1'))
}

function derive(key: Uint8Array, info: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), info, 32))
}

/** Returns the id of the Domain whose pepper is wanted, in lower case. Throws `invalid_domain_id`. */
export function pepperDomain(domainId: string): string {
  try {
    return parseDomainId(domainId)
  } catch (error) {
    if (error instanceof FormatError) throw new AuditError('invalid_domain_id', error.message)
    throw error
  }
}
