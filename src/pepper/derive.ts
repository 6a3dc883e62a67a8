import { hkdfSync } from 'node:crypto'
import { utf8 } from '../chain/limits.js'
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
