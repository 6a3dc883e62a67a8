import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

type Handler = (request: IncomingMessage, response: ServerResponse) => void
type Exchange = Parameters<Handler>

/** Requests of one connection that wait for the one before them. */
export const MAX_AHEAD = 64

/**
 * Requests that a client sends ahead of their answers are handled one after another: all at once, a few connections could
 * ask for more than there is memory for. A connection with too many of them ends.
 */
export class PipelineQueue {
  readonly #handlers: readonly Handler[]
  readonly #waiting = new Map<Socket, Exchange[]>()
  readonly #onIdle: () => void

  /** Stands before the server's own handlers; `onIdle` when nothing is under way any more. */
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
      this.#take(exchange)
    } else if (waiting.length < MAX_AHEAD) waiting.push(exchange)
    else socket.destroy()
  }

  #take([request, response]: Exchange): void {
    response.once('close', () => this.#next(request.socket))
    for (const handle of this.#handlers) handle(request, response)
  }

  #next(socket: Socket): void {
    const next = socket.destroyed ? undefined : this.#waiting.get(socket)?.shift()
    if (next !== undefined) {
      this.#take(next)
      return
    }
    this.#waiting.delete(socket)
    if (this.isIdle) setImmediate(this.#onIdle)
  }
}
