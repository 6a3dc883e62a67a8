import type { AddressInfo } from 'node:net'
import type { App } from './app.js'

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
  await app.listen({ host, port })
  return {
    url: urlOf(app),
    async drain(patience) {
      const timer = setTimeout(() => app.server.closeAllConnections(), patience)
      await app.close().finally(() => clearTimeout(timer))
    },
  }
}

function urlOf({ server, initialConfig }: App): string {
  const { address, family, port } = server.address() as AddressInfo
  const scheme = initialConfig.https === undefined ? 'http' : 'https'
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
