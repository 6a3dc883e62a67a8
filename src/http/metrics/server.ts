import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from './metrics.js'

export interface MetricsListening {
  readonly url: string
  close(): Promise<void>
}

/** A scrape is one small request. Times are in milliseconds. */
const LIMITS = { maxHeaderSize: 8 * 1024, headersTimeout: 5_000, requestTimeout: 5_000 } as const
const MAX_CONNECTIONS = 64

/**
 * Serves GET /metrics and nothing else, on a listener of its own: the metrics show facts about each chain that the HTTP API
 * hides. Rejects with the system's error (EADDRINUSE, EACCES) when it cannot listen.
 */
export async function listenForScrapes(
  metrics: Metrics,
  host: string,
  port: number,
): Promise<MetricsListening> {
  const server = createServer(LIMITS, (request, response) => void answer(metrics, request, response))
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { address, family, port: own } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${own}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(metrics: Metrics, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url?.split('?', 1)[0]
  const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
  if (path !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
    response.writeHead(path === '/metrics' ? 405 : 404, { ...headers, connection: 'close' }).end()
    return
  }
  try {
    const text = await metrics.text()
    response.writeHead(200, { ...headers, 'content-type': metrics.contentType }).end(text)
  } catch {
    response.writeHead(500, headers).end()
  }
}
