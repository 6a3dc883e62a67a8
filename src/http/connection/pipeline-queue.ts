import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

type Handler = (request: IncomingMessage, response: ServerResponse) => void
type Exchange = Parameters<Handler>

/** Requests of one connection that may wait for an earlier one. */
const MAX_AHEAD = 64

/**
 * Handles the pipelined requests of a connection one after another: handled all at once, the requests of a few connections
 * could need more memory than there is. Closes a connection that has too many waiting requests.
 */
export class PipelineQueue {
  readonly #handlers: readonly Handler[]
  readonly #waiting = new Map<Socket, Exchange[]>()
  readonly #onIdle: () => void

  /** Runs before the server's own handlers. Calls `onIdle` when no request is running any more. */
  constructor(server: Server, onIdle: () => void) {
    this.#handlers = server.listeners('request') as Handler[]
    this.#onIdle = onIdle
    server.removeAllListeners('request')
    server.on('request', (...exchange) => this.#add(exchange))
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0
  }

  #add(exchange: Exchange): void {
    const { socket } = exchange[0]
    const waiting = this.#waiting.get(socket)
    if (waiting === undefined) {
      this.#waiting.set(socket, [])
      this.#handle(exchange)
    } else if (waiting.length < MAX_AHEAD) waiting.push(exchange)
    else socket.destroy()
  }

  #handle([request, response]: Exchange): void {
    response.once('close', () => this.#next(request.socket))
    for (const handler of this.#handlers) handler(request, response)
  }

  #next(socket: Socket): void {
    const next = socket.destroyed ? undefined : this.#waiting.get(socket)?.shift()
    if (next !== undefined) {
      this.#handle(next)
      return
    }
    this.#waiting.delete(socket)
    if (this.isIdle) setImmediate(this.#onIdle)
  }
}
