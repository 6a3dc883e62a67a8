import { readFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'

/** An administrator of the secrets of a KV version 2 store, ours or a real one, over its HTTP API. */
export class KvAdmin {
  readonly #origin: string
  readonly #mount: string
  readonly #prefix: string
  readonly #agent: Agent

  /** `url` is written like --pepper. */
  constructor(
    url: string,
    readonly token: string,
    caFile?: string,
  ) {
    const [, http, host = '', mount = '', prefix = ''] =
      /^openbao(\+http)?:\/\/([^/]+)\/([^/]+)\/(.+)$/.exec(url) ?? []
    this.#origin = `http${http === undefined ? 's' : ''}://${host}`
    this.#mount = mount
    this.#prefix = prefix
    this.#agent =
      http === undefined ? new TlsAgent({ ...(caFile && { ca: readFileSync(caFile) }) }) : new Agent()
  }

  put(domainId: string, data: Record<string, unknown>): Promise<number> {
    return this.#send('POST', 'data', domainId, { data })
  }

  /** Writes a new version. */
  putPepper(domainId: string, pepper: Uint8Array): Promise<number> {
    return this.put(domainId, { pepper: Buffer.from(pepper).toString('base64') })
  }

  delete(domainId: string): Promise<number> {
    return this.#send('DELETE', 'data', domainId)
  }

  mark(
    operation: 'delete' | 'undelete' | 'destroy',
    domainId: string,
    ...versions: number[]
  ): Promise<number> {
    return this.#send('POST', operation, domainId, { versions })
  }

  /** Deletes all versions and the metadata. */
  purge(domainId: string): Promise<number> {
    return this.#send('DELETE', 'metadata', domainId)
  }

  async #send(method: string, operation: string, domainId: string, body?: unknown): Promise<number> {
    const url = `${this.#origin}/v1/${this.#mount}/${operation}/${this.#prefix}/${domainId}`
    const send = url.startsWith('https:') ? tlsRequest : httpRequest
    const headers = { 'X-Vault-Token': this.token, 'Content-Type': 'application/json' }
    return new Promise((resolve, reject) => {
      const request = send(url, { method, headers, agent: this.#agent }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0))
      })
      request.once('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}
