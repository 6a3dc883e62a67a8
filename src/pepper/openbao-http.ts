import { readFile } from 'node:fs/promises'
import type { Agent, ClientRequest, IncomingMessage, request as Request } from 'node:http'
import { errnoOf } from '../base/errors.js'
import { Semaphore } from '../base/parallel/semaphore.js'

export interface BaoRequest {
  readonly method: 'GET' | 'POST'
  /** The path below /v1/, with its parts escaped. */
  readonly path: string
  readonly token?: string | undefined
  /** Sent as JSON. */
  readonly body?: unknown
}

export interface BaoAnswer {
  readonly status: number
  /** The parsed body; undefined where it is not JSON. */
  readonly body: unknown
}

/** There is no answer. The message is our own: a message of Node or of the server may quote what was sent. */
export class NoAnswer extends Error {
  constructor(
    message: string,
    /** Whether a retry may succeed. */
    readonly mayPass: boolean,
  ) {
    super(message)
  }
}

/** The answers that we expect are below 1 KiB. */
const MAX_ANSWER = 64 * 1024

/** Connections that are open at once. */
export const MAX_CONNECTIONS = 16

export interface BaoHttpOptions {
  readonly origin: string
  readonly namespace?: string | undefined
  readonly caFile?: string | undefined
  /** Milliseconds for one request, the connection included. */
  readonly timeout: number
}

/**
 * Sends one request and returns the answer, whatever its status. TLS is always verified, whatever
 * NODE_TLS_REJECT_UNAUTHORIZED says. Redirects are not followed, because a token must not go to another host.
 */
export class BaoHttp {
  readonly #options: BaoHttpOptions
  /** A request waits here and not in the agent, where its timeout would already run. */
  readonly #slots = new Semaphore(MAX_CONNECTIONS)
  #wire: Promise<Wire> | undefined

  constructor(options: BaoHttpOptions) {
    this.#options = options
  }

  /** Rejects with NoAnswer. */
  async send(request: BaoRequest): Promise<BaoAnswer> {
    this.#wire ??= openWire(this.#options)
    const wire = await this.#wire.catch((error: unknown) => {
      this.#wire = undefined
      throw error
    })
    return this.#slots.run(() => this.#answerTo(request, wire))
  }

  async #answerTo(request: BaoRequest, wire: Wire): Promise<BaoAnswer> {
    const signal = AbortSignal.timeout(this.#options.timeout)
    try {
      const response = await answerOf(this.#begin(request, wire, signal), request.body)
      return { status: response.statusCode ?? 0, body: parsed(await textOf(response)) }
    } catch (error) {
      throw error instanceof NoAnswer ? error : noAnswer(error, signal.aborted, this.#options.timeout)
    }
  }

  #begin({ method, path, token, body }: BaoRequest, wire: Wire, signal: AbortSignal): ClientRequest {
    const { origin, namespace } = this.#options
    const headers = {
      'X-Vault-Request': 'true',
      ...(token !== undefined && { 'X-Vault-Token': token }),
      ...(namespace !== undefined && { 'X-Vault-Namespace': namespace }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    }
    return wire.send(new URL(`/v1/${path}`, origin), { method, headers, agent: wire.agent, signal })
  }
}

/** The protocol and the connections of requests. Idle connections do not keep the process alive. */
interface Wire {
  readonly send: typeof Request
  readonly agent: Agent
}

const agentOptions = { keepAlive: true, maxSockets: MAX_CONNECTIONS }

/** Loads node:http or node:https on first use: node:https would cost 5 ms in every command that needs no pepper. */
async function openWire({ origin, caFile }: BaoHttpOptions): Promise<Wire> {
  if (!origin.startsWith('https:')) {
    const http = await import('node:http')
    return { send: http.request, agent: new http.Agent(agentOptions) }
  }
  const ca = caFile === undefined ? undefined : await certificates(caFile)
  const https = await import('node:https')
  const agent = new https.Agent({ ...agentOptions, rejectUnauthorized: true, ...(ca && { ca }) })
  return { send: https.request, agent }
}

async function certificates(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new NoAnswer(`CA file ${path} cannot be read (${errnoOf(error)})`, false)
  })
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw new NoAnswer(`CA file ${path} holds no PEM certificate`, false)
}

function answerOf(request: ClientRequest, body: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve).once('error', reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_ANSWER) throw new NoAnswer(`its answer is longer than ${MAX_ANSWER} bytes`, false)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Matches errors of a TLS handshake, which no retry solves. */
const TLS =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|EPROTO)/

function noAnswer(error: unknown, timedOut: boolean, timeout: number): NoAnswer {
  if (timedOut) return new NoAnswer(`no answer within ${timeout} ms`, true)
  const code = errnoOf(error)
  if (TLS.test(code)) return new NoAnswer(`its certificate or TLS is not accepted (${code})`, false)
  return new NoAnswer(`cannot be reached (${code})`, true)
}
