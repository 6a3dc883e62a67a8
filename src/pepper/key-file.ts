import { checkedDomainId } from '../base/domain-id.js'
import { readKeyFile } from '../base/files/read-key-file.js'
import type { CursorKey, Pepper } from '../ports/pepper.js'
import { deriveCursorKey, derivePepper } from './derive.js'

/**
 * Derives peppers and the cursor key from the 32 raw bytes of one file by HKDF-SHA256 with an empty salt
 * (docs/pepper.md). The file is read after every call and its bytes are wiped after use, so a removed key takes effect at
 * once; calls that are made together share one read. Rejects with `pepper_unavailable`, and with `invalid_domain_id`.
 * Concurrent calls are safe.
 */
export class KeyFilePepper implements Pepper, CursorKey {
  /** Calls for which the next read has not begun. */
  readonly #waiting: Waiting[] = []

  constructor(readonly path: string) {}

  async pepperOf(domainId: string): Promise<Uint8Array> {
    const domain = checkedDomainId(domainId)
    return this.#withKey((key) => derivePepper(key, domain))
  }

  async cursorKey(): Promise<Uint8Array> {
    return this.#withKey(deriveCursorKey)
  }

  #withKey(derive: Derive): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ derive, resolve, reject })
      if (this.#waiting.length === 1) queueMicrotask(() => void this.#derive(this.#waiting.splice(0)))
    })
  }

  async #derive(batch: readonly Waiting[]): Promise<void> {
    try {
      const key = await readKeyFile(this.path, 'pepper_unavailable')
      try {
        for (const waiting of batch) settle(waiting, key)
      } finally {
        key.fill(0)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}

/** A derivation that throws rejects its own call only. */
function settle({ derive, resolve, reject }: Waiting, key: Uint8Array): void {
  try {
    resolve(derive(key))
  } catch (error) {
    reject(error)
  }
}

type Derive = (key: Uint8Array) => Uint8Array

interface Waiting {
  readonly derive: Derive
  readonly resolve: (derived: Uint8Array) => void
  readonly reject: (error: unknown) => void
}

/** The cursor key of `AUDIT_CURSOR_KEY_FILE`: the file's 32 raw bytes. The file must keep the rules of a pepper's key file. */
export class CursorKeyFile implements CursorKey {
  constructor(readonly path: string) {}

  async cursorKey(): Promise<Uint8Array> {
    return readKeyFile(this.path, 'pepper_unavailable')
  }
}

/** Returns the source of the cursor key: `AUDIT_CURSOR_KEY_FILE` where it is set, otherwise the pepper source. */
export function cursorKeyOf(env: Readonly<Record<string, string | undefined>>, pepper: CursorKey): CursorKey {
  const path = env.AUDIT_CURSOR_KEY_FILE
  return path === undefined || path === '' ? pepper : new CursorKeyFile(path)
}
