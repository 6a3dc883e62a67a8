import { hkdfSync } from 'node:crypto'
import { FormatError } from '../chain/format-error.js'
import { utf8 } from '../chain/limits.js'
import { parseDomainId, uuidBytes } from '../chain/uuid.js'
import { AuditError } from '../errors.js'
import type { CursorKey, Pepper } from '../ports.js'
import { readKeyFile } from './read-key-file.js'

/**
 * Peppers and the cursor key derived from the 32 raw bytes of one file by HKDF-SHA256 with an empty salt (format.md,
 * "Pseudonym"). The file is read on every call and its bytes are wiped, so a key that was taken away is gone at once.
 * Rejects with `pepper_unavailable`, and with `invalid_domain_id` for what is none. Safe to call at once.
 */
export class KeyFilePepper implements Pepper, CursorKey {
  constructor(readonly path: string) {}

  async pepperOf(domainId: string): Promise<Uint8Array> {
    const info = Buffer.concat([utf8('audit/pepper/v1'), uuidBytes(parsed(domainId))])
    return this.#derive(info)
  }

  async cursorKey(): Promise<Uint8Array> {
    return this.#derive(utf8('audit/cursor/v1'))
  }

  async #derive(info: Uint8Array): Promise<Uint8Array> {
    const key = await readKeyFile(this.path)
    try {
      return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), info, 32))
    } finally {
      key.fill(0)
    }
  }
}

/** The cursor key of `AUDIT_CURSOR_KEY_FILE`: the file's 32 raw bytes themselves. Held to the rules of a pepper's file. */
export class CursorKeyFile implements CursorKey {
  constructor(readonly path: string) {}

  async cursorKey(): Promise<Uint8Array> {
    return readKeyFile(this.path)
  }
}

/** The cursor key that format.md prescribes: `AUDIT_CURSOR_KEY_FILE` where it is set, else derived from the pepper's file. */
export function cursorKeyOf(env: Readonly<Record<string, string | undefined>>, pepper: CursorKey): CursorKey {
  const path = env.AUDIT_CURSOR_KEY_FILE
  return path === undefined || path === '' ? pepper : new CursorKeyFile(path)
}

function parsed(domainId: string): string {
  try {
    return parseDomainId(domainId)
  } catch (error) {
    if (error instanceof FormatError) throw new AuditError('invalid_domain_id', error.message)
    throw error
  }
}
