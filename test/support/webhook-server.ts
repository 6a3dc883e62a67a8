import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** How to respond: with a status, with a status and headers, or not at all. */
export type Answer =
  | number
  | { readonly status: number; readonly headers: Record<string, string> }
  | 'silence'

/** A real HTTP server that records its requests. It gives the queued answers in order, and 204 after them. */
export class WebhookServer {
  readonly received: Received[] = []
  readonly #server: Server
  #answers: Answer[] = []

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        this.received.push({ path: request.url ?? '', headers: request.headers, body })
        const answer = this.#answers.shift() ?? 204
        if (answer === 'silence') return
        if (typeof answer === 'number') response.writeHead(answer).end('whatever')
        else response.writeHead(answer.status, answer.headers).end()
      })
    })
  }

  static async start(): Promise<WebhookServer> {
    const server = new WebhookServer()
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook/TOKEN-not-to-be-shown`
  }

  answer(...answers: Answer[]): void {
    this.#answers = answers
    this.received.length = 0
  }

  bodies(): Record<string, unknown>[] {
    return this.received.map(({ body }) => JSON.parse(body))
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
