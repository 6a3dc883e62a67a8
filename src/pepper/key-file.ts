import type { CursorKey, Pepper } from '../ports/pepper.js'
import { deriveCursorKey, derivePepper, pepperDomain } from './derive.js'
import { readKeyFile } from './read-key-file.js'

/**
 * Peppers and the cursor key derived from the 32 raw bytes of one file by HKDF-SHA256 with an empty salt (format.md,
 * "Pseudonym"). The file is read on every call and its bytes are wiped, so a key that was taken away is gone at once.
 * Rejects with `pepper_unavailable`, and with `invalid_domain_id` for what is none. Safe to call at once.
 */
export class KeyFilePepper implements Pepper, CursorKey {
  constructor(readonly path: string) {}

  async pepperOf(domainId: string): Promise<Uint8Array> {
    const domain = pepperDomain(domainId)
    return this.#withKey((key) => derivePepper(key, domain))
  }

  async cursorKey(): Promise<Uint8Array> {
    return this.#withKey(deriveCursorKey)
  }

  async #withKey(derive: (key: Uint8Array) => Uint8Array): Promise<Uint8Array> {
    const key = await readKeyFile(this.path)
    try {
      return derive(key)
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

/** The cursor key that format.md prescribes: `AUDIT_CURSOR_KEY_FILE` where it is set, else the pepper source's own. */
export function cursorKeyOf(env: Readonly<Record<string, string | undefined>>, pepper: CursorKey): CursorKey {
  const path = env.AUDIT_CURSOR_KEY_FILE
  return path === undefined || path === '' ? pepper : new CursorKeyFile(path)
}
