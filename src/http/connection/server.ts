import { lookup } from 'node:dns/promises'
import type { AddressInfo } from 'node:net'
import type { App } from '../app-type.js'
import { Handshakes } from './handshakes.js'
import { PipelineQueue } from './pipeline-queue.js'

export interface Listening {
  /** Where it listens, with the port that it was given by the system where 0 was asked for. */
  readonly url: string
  /**
   * Stops taking connections and resolves when every request under way has been answered; after `patience` milliseconds
   * the rest are cut off. Connections between two requests end at once.
   */
  drain(patience: number): Promise<void>
}

/** Rejects with the system's error (EADDRINUSE, EACCES) where it cannot listen. */
export async function listen(app: App, host: string, port: number): Promise<Listening> {
  const { server } = app
  let isDraining = false
  // Node takes a connection that has not asked anything yet for a busy one, and would wait for it.
  const closeIfDone = () => {
    if (isDraining && turns.isIdle) server.closeAllConnections()
  }
  const handshakes = app.initialConfig.https === undefined ? undefined : new Handshakes(server)
  const turns = new PipelineQueue(server, closeIfDone)
  // Of a name with several addresses Fastify would make a server for each, without our limits.
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
