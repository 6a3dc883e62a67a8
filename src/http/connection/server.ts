import { lookup } from 'node:dns/promises'
import type { AddressInfo } from 'node:net'
import type { App } from '../app-type.js'
import { Handshakes } from './handshakes.js'
import { PipelineQueue } from './pipeline-queue.js'

export interface Listening {
  /** The URL that the server listens on. For port 0, it has the port that the system chose. */
  readonly url: string
  /**
   * Stops accepting connections and resolves when every running request has been answered. Closes the remaining connections
   * after `patience` milliseconds, and idle ones at once.
   */
  drain(patience: number): Promise<void>
}

/** Starts to listen. Rejects with the system's error (EADDRINUSE, EACCES) when it cannot. */
export async function listen(app: App, host: string, port: number): Promise<Listening> {
  const { server } = app
  let isDraining = false
  // Node counts a connection that has not sent a request yet as busy, and would wait for it.
  const closeIfDone = () => {
    if (isDraining && queue.isIdle) server.closeAllConnections()
  }
  const handshakes = app.initialConfig.https === undefined ? undefined : new Handshakes(server)
  const queue = new PipelineQueue(server, closeIfDone)
  // Resolve localhost here: for a name with several addresses, Fastify makes a server for each, without our limits.
  await app.listen({ host: host === 'localhost' ? (await lookup(host)).address : host, port })
  return {
    url: urlOf(app),
    async drain(patience) {
      isDraining = true
      const timer = setTimeout(() => server.closeAllConnections(), patience)
      const closed = app.close()
      handshakes?.end()
      setImmediate(closeIfDone)
      await closed.finally(() => clearTimeout(timer))
    },
  }
}

function urlOf({ server, initialConfig }: App): string {
  const { address, family, port } = server.address() as AddressInfo
  const scheme = initialConfig.https === undefined ? 'http' : 'https'
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
