import type { Server } from 'node:net'
import type { TLSSocket } from 'node:tls'

type Connection = Pick<TLSSocket, 'remoteAddress' | 'remotePort' | 'destroy' | 'once'>

/** Tracks connections whose TLS handshake is not complete: the HTTP server does not list them, but waits for them when it closes. */
export class Handshakes {
  readonly #underWay = new Map<string, Connection>()

  constructor(server: Server) {
    server.on('connection', (socket: Connection) => {
      const key = keyOf(socket)
      this.#underWay.set(key, socket)
      socket.once('close', () => this.#underWay.delete(key))
    })
    server.on('secureConnection', (socket: Connection) => this.#underWay.delete(keyOf(socket)))
  }

  end(): void {
    for (const socket of this.#underWay.values()) socket.destroy()
  }
}

const keyOf = ({ remoteAddress, remotePort }: Connection) => `${remoteAddress} ${remotePort}`
