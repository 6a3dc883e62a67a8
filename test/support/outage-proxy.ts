import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy that can simulate an outage of its server: it cuts open connections and refuses new ones. */
export class OutageProxy {
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  #server: Server
  #port = 0

  private constructor(target: string) {
    this.#target = new URL(target)
    this.#server = this.#make()
  }

  static async start(target: string): Promise<OutageProxy> {
    const proxy = new OutageProxy(target)
    await proxy.#listen()
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async goAway(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** Lets open connections hang. New connections work. */
  freeze(): void {
    for (const socket of this.#sockets) socket.unpipe().pause()
  }

  /** Accepts data and answers nothing until `comeBack`. */
  hang(): void {
    this.freeze()
    this.#server.on('connection', (socket) => socket.pause())
  }

  async comeBack(): Promise<void> {
    this.#server = this.#make()
    await this.#listen()
  }

  /** Accepts `unix:/path` for a socket. */
  #connect(): Socket {
    const { protocol, pathname, port, hostname } = this.#target
    return protocol === 'unix:' ? connect(pathname) : connect(Number(port), hostname)
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  #make(): Server {
    return createServer((client) => {
      const server = this.#connect()
      for (const [socket, other] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(socket)
        socket.on('error', () => other.destroy())
        socket.on('close', () => {
          this.#sockets.delete(socket)
          other.destroy()
        })
      }
      client.pipe(server).pipe(client)
    })
  }
}
