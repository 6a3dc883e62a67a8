import { timingSafeEqual } from 'node:crypto'
import type { Advice } from '../base/advice.js'
import { checkedDomainId } from '../base/domain-id.js'
import { AuditError } from '../base/errors.js'
import { KEY_BYTES } from '../base/files/read-key-file.js'
import type { CursorKey, PepperVault } from '../ports/pepper.js'
import { decodeBase64 } from './env-key.js'
import { BaoClient, type BaoPatience, statusText } from './openbao-client.js'
import type { BaoAnswer } from './openbao-http.js'
import type { BaoSettings } from './openbao-settings.js'
import type { KvPlace } from './pepper-url.js'

/**
 * Peppers in a KV version 2 store of OpenBao or Vault. Each Domain has one secret at `<mount>/<prefix>/<domain_id>`, whose
 * field `pepper` is the base64 of 32 bytes. Every call reads the newest version. Rejects with `pepper_unavailable`; the
 * message has the address, the path and the rule, and never a token, a byte of a secret or a text of the server.
 */
export class OpenBaoPepper implements PepperVault, CursorKey {
  readonly #place: KvPlace
  readonly #client: BaoClient

  constructor(place: KvPlace, settings: BaoSettings, patience?: BaoPatience) {
    this.#place = place
    this.#client = new BaoClient({ ...settings, origin: place.origin, patience })
  }

  async pepperOf(domainId: string): Promise<Uint8Array> {
    const domain = checkedDomainId(domainId)
    const answer = await this.#read(domain)
    if (answer.status === 404) throw this.#missing(answer.body, domain)
    return this.#pepperIn(answer.body, domain)
  }

  async create(domainId: string, pepper: Uint8Array): Promise<boolean> {
    const domain = checkedDomainId(domainId)
    // KV version 1 has no cas and would overwrite a secret, so the secret is read first.
    const before = await this.#read(domain)
    if (before.status === 200) return false
    if (secretOf(before.body)?.metadata != null) throw this.#missing(before.body, domain)
    // With cas 0 the store itself refuses to overwrite a version, even a deleted one.
    const body = { options: { cas: 0 }, data: { pepper: Buffer.from(pepper).toString('base64') } }
    const answer = await this.#client.send({ method: 'POST', path: this.#dataPath(domain), body })
    if (answer.status === 200) return true
    if (answer.status === 204) throw this.#failure(domain, NOT_V2)
    // 400 is the answer of cas. 403: overwriting needs a permission that a provisioner should not have.
    const after = [400, 403].includes(answer.status) ? await this.#read(domain) : undefined
    if (after?.status !== 200) throw this.#refused(domain, answer.status)
    // The attempt without an answer may have been executed.
    return answer.repeated && timingSafeEqual(this.#pepperIn(after.body, domain), pepper)
  }

  /** Always rejects: with one secret for each Domain, there is no key that all servers and command lines share. */
  async cursorKey(): Promise<Uint8Array> {
    throw new AuditError('pepper_not_configured', 'openbao:// has no key to sign cursors with', {
      advice: { code: 'set_cursor_key_file' },
    })
  }

  /** Returns an answer with status 200 of KV version 2, or with status 404. */
  async #read(domain: string): Promise<BaoAnswer> {
    const answer = await this.#client.send({ method: 'GET', path: this.#dataPath(domain) })
    if (answer.status === 404) return answer
    if (answer.status !== 200) throw this.#refused(domain, answer.status)
    if (!(Number(secretOf(answer.body)?.metadata?.version) >= 1)) throw this.#failure(domain, NOT_V2)
    return answer
  }

  #pepperIn(body: unknown, domain: string): Uint8Array {
    const text = secretOf(body)?.data?.pepper
    if (typeof text !== 'string') throw this.#failure(domain, 'its field "pepper" is missing or is not text')
    const pepper = decodeBase64(text, KEY_BYTES)
    if (pepper !== undefined) return pepper
    const { length } = Buffer.from(text, 'base64')
    const problem = decodeBase64(text, length) === undefined ? 'is not base64' : `holds ${length} bytes`
    throw this.#failure(domain, `expected ${KEY_BYTES} bytes as base64; its field "pepper" ${problem}`)
  }

  /** Returns the error for a 404. For a deleted version KV version 2 also answers 404, with the version's metadata. */
  #missing(body: unknown, domain: string): AuditError {
    const metadata = secretOf(body)?.metadata
    if (metadata?.destroyed === true) {
      return this.#failure(domain, 'its newest version is destroyed', { code: 'roll_back_secret' })
    }
    if (metadata != null) {
      return this.#failure(domain, 'its newest version is deleted', { code: 'undelete_secret' })
    }
    return this.#failure(domain, 'there is no such secret', { code: 'provision_pepper', domainId: domain })
  }

  #refused(domain: string, status: number): AuditError {
    const advice = status === 403 ? ({ code: 'check_vault_token' } as const) : undefined
    return this.#failure(domain, statusText(status), advice)
  }

  #failure(domain: string, problem: string, advice?: Advice): AuditError {
    const { mount, prefix } = this.#place
    return this.#client.failure(`secret ${prefix}/${domain} in ${mount}: ${problem}`, advice)
  }

  #dataPath(domain: string): string {
    return `${this.#place.mount}/data/${this.#place.prefix}/${domain}`
  }
}

const NOT_V2 = 'it is not in a KV store of version 2'

interface Secret {
  readonly data?: Readonly<Record<string, unknown>> | null
  readonly metadata?: Readonly<Record<string, unknown>> | null
}

/** Returns the answer's `data`. The types of its fields are not checked. */
function secretOf(body: unknown): Secret | undefined {
  const { data } = (body ?? {}) as { data?: Secret | null }
  return data ?? undefined
}
