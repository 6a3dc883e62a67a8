import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { KvStore } from './kv2-store.js'

const TLS = join(import.meta.dirname, 'kv2-tls').replace('/dist/', '/')
/** The CA that signed the server's certificate, which is for `localhost` only. Made for these tests. */
export const CA_FILE = join(TLS, 'ca.pem')

/** What happens to a request instead of an answer. */
export type Fault =
  /** The connection is cut and the request is not applied. */
  | 'cut'
  /** The request is applied, and then the connection is cut. */
  | 'cut_after'
  /** There is never an answer. */
  | 'hang'
  /** The answer has headers and half of the body. */
  | 'half'
  /** The answer is 200 with a body that is not JSON. */
  | 'garbage'
  /** The body has no end. */
  | 'endless'
  /** The answer has this status, and a body as OpenBao writes it. */
  | number

/** A request in the log. Faults are chosen by it. */
export interface Seen {
  readonly method: string
  /** The path without /v1/. */
  readonly path: string
  readonly token: string | undefined
}

interface Answer {
  readonly status: number
  readonly body?: unknown
}

/** A token, with `uses` and `expiresAt` as an AppRole gives them. */
interface Token {
  readonly renewable: boolean
  readonly may: 'read' | 'read and create' | 'everything'
  expiresAt: number
}

const errors = (status: number, ...texts: string[]): Answer => ({ status, body: { errors: texts } })
const denied = errors(403, '1 error occurred:\n\t* permission denied\n\n')

/**
 * A KV version 2 store with the HTTP API of OpenBao and Vault, over real HTTP or TLS: versions, check-and-set, deleted
 * and destroyed versions, tokens, AppRole logins and renewals, namespaces, and the answers of a sealed server or a
 * standby. Only the tests move its clock.
 */
export class Kv2Server {
  readonly seen: Seen[] = []
  /** Chooses the fault of each request. Default: no fault. */
  fault: (request: Seen) => Fault | undefined = () => undefined
  sealed = false
  namespace: string | undefined
  /** The lease of an AppRole login. */
  lease = { seconds: 3600, renewable: true, secretIdUses: Number.POSITIVE_INFINITY }
  readonly rootToken = `s.${randomUUID()}`
  readonly roleId = randomUUID()
  readonly secretId = randomUUID()
  readonly store = new KvStore()
  /** The most connections that were open at the same time. */
  peakConnections = 0
  readonly #tokens = new Map<string, Token>()
  readonly #server: Server
  readonly #tls: boolean
  /** The clock, in seconds. */
  now = 0

  private constructor(tls: boolean) {
    this.#tls = tls
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      void this.#serve(request, response)
    }
    const read = (name: string) => readFileSync(join(TLS, name))
    this.#server = tls
      ? createTlsServer({ cert: read('server.pem'), key: read('server-key.pem') }, serve)
      : createServer(serve)
    let open = 0
    this.#server.on('connection', (socket: Socket) => {
      open += 1
      this.peakConnections = Math.max(this.peakConnections, open)
      socket.once('close', () => {
        open -= 1
      })
    })
    this.#tokens.set(this.rootToken, {
      renewable: false,
      may: 'everything',
      expiresAt: Number.POSITIVE_INFINITY,
    })
  }

  static async start({ tls = false } = {}): Promise<Kv2Server> {
    const server = new Kv2Server(tls)
    server.#server.listen(0)
    await once(server.#server, 'listening')
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Returns the server's URL. Its certificate is only for localhost. */
  url(prefix = 'audit', host = 'localhost'): string {
    return `openbao${this.#tls ? '' : '+http'}://${host}:${this.port}/secret/${prefix}`
  }

  tokenFor(may: Token['may']): string {
    return this.#issue({ renewable: false, may, expiresAt: Number.POSITIVE_INFINITY })
  }

  revokeAll(): void {
    for (const token of this.#tokens.keys()) if (token !== this.rootToken) this.#tokens.delete(token)
  }

  requests(part: string): number {
    return this.seen.filter(({ path }) => path.includes(part)).length
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace(/^\/v1\//, '')
    const token = request.headers['x-vault-token'] as string | undefined
    const seen = { method: request.method ?? '', path, token }
    this.seen.push(seen)
    const fault = this.fault(seen)
    const body = await bodyOf(request)
    if (fault === 'cut') return void request.socket.destroy()
    if (fault === 'hang') return
    const answer =
      typeof fault === 'number'
        ? errors(fault, 'some text of the server')
        : this.#answer(seen, body, request.headers['x-vault-namespace'])
    if (fault === 'cut_after') return void request.socket.destroy()
    send(response, answer, fault)
  }

  #answer({ method, path, token }: Seen, body: unknown, namespace: unknown): Answer {
    if (this.sealed) return errors(503, 'Vault is sealed')
    // Nothing is mounted in a namespace that does not exist.
    if (namespace !== this.namespace)
      return errors(404, `no handler for route "${path}". route entry not found.`)
    if (path === 'auth/approle/login') return this.#login(body as { role_id?: string; secret_id?: string })
    const holder = this.#holderOf(token)
    if (holder === undefined) return denied
    if (path === 'auth/token/renew-self') return this.#renew(token ?? '', holder)
    const kv = /^secret\/(data|metadata|delete|undelete|destroy)\/(.+)$/.exec(path)
    if (kv === null) return errors(404, `no handler for route "${path}". route entry not found.`)
    const [, operation = '', secret = ''] = kv
    if (!this.#isAllowed(holder, method, operation, secret)) return denied
    return this.store.answer(method, operation, secret, body)
  }

  /** Returns whether a token allows an operation. A write over an existing or deleted version needs `update`, which `create` does not include. */
  #isAllowed({ may }: Token, method: string, operation: string, secret: string): boolean {
    if (may === 'everything' || method === 'GET') return true
    return may === 'read and create' && operation === 'data' && method === 'POST' && !this.store.has(secret)
  }

  #holderOf(token: string | undefined): Token | undefined {
    const holder = this.#tokens.get(token ?? '')
    return holder !== undefined && holder.expiresAt > this.now ? holder : undefined
  }

  #login({ role_id, secret_id }: { role_id?: string; secret_id?: string }): Answer {
    if (role_id !== this.roleId || secret_id !== this.secretId || this.lease.secretIdUses <= 0) {
      return errors(400, 'invalid role or secret ID')
    }
    this.lease.secretIdUses -= 1
    const { renewable } = this.lease
    return this.#auth(this.#issue({ renewable, may: 'read', expiresAt: this.now + this.lease.seconds }))
  }

  #renew(token: string, holder: Token): Answer {
    if (!holder.renewable) return errors(400, 'lease is not renewable')
    holder.expiresAt = this.now + this.lease.seconds
    return this.#auth(token)
  }

  #auth(client_token: string): Answer {
    const { seconds, renewable } = this.lease
    return { status: 200, body: { auth: { client_token, lease_duration: seconds, renewable } } }
  }

  #issue(token: Token): string {
    const text = `s.${randomUUID()}`
    this.#tokens.set(text, token)
    return text
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return text === '' ? {} : JSON.parse(text)
}

function send(response: ServerResponse, { status, body }: Answer, fault: Fault | undefined): void {
  const text = fault === 'garbage' ? '<html>' : body === undefined ? '' : `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    'Content-Type': 'application/json',
    ...(status === 307 && { Location: 'http://127.0.0.1:1/' }),
  })
  if (fault === 'endless') endless(response)
  else if (fault === 'half') response.write(text.slice(0, text.length / 2), () => response.destroy())
  else response.end(text)
}

function endless(response: ServerResponse): void {
  while (!response.destroyed && response.write(' '.repeat(16_384)));
  if (!response.destroyed) response.once('drain', () => endless(response))
}
