import { checkedDomainId } from '../base/domain-id.js'
import { AuditError } from '../base/errors.js'
import type { CursorKey, Pepper } from '../ports/pepper.js'
import { deriveCursorKey, derivePepper } from './derive.js'

/**
 * Derives peppers and the cursor key from 32 bytes in an environment variable, given as 64 hex digits or as base64; for
 * CI. A key file of the same bytes gives the same peppers, so either can replace the other. The variable is read on every
 * call. Rejects with `pepper_unavailable`, which names the variable and never its value.
 */
export class EnvKeyPepper implements Pepper, CursorKey {
  readonly #env: Readonly<Record<string, string | undefined>>

  constructor(
    readonly name: string,
    env: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    this.#env = env
  }

  async pepperOf(domainId: string): Promise<Uint8Array> {
    return derivePepper(this.#key(), checkedDomainId(domainId))
  }

  async cursorKey(): Promise<Uint8Array> {
    return deriveCursorKey(this.#key())
  }

  #key(): Uint8Array {
    const text = (this.#env[this.name] ?? '').trim()
    if (text === '') throw this.#unavailable('is not set')
    const key = decodeKey(text)
    if (key === undefined) throw this.#unavailable('expected 32 bytes as 64 hex digits or as base64')
    return key
  }

  #unavailable(problem: string): AuditError {
    return new AuditError('pepper_unavailable', `environment variable ${this.name}: ${problem}`)
  }
}

/** Decodes strictly. Buffer drops characters that it does not know, and a damaged secret must not decode to another key. */
function decodeKey(text: string): Uint8Array | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  return decodeBase64(text, 32)
}

/** Decodes `length` bytes of canonical base64. Returns undefined for any other spelling or length. */
export function decodeBase64(text: string, length: number): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === length && bytes.toString('base64') === text ? bytes : undefined
}
