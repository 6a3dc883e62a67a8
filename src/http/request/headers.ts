import type { IncomingMessage } from 'node:http'
import type { App } from '../app-type.js'
import { hasBody } from '../has-body.js'
import { HttpProblem } from '../problem/problem.js'

/** Headers of every answer: do not cache it, frame it or guess its type. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

const HSTS = { 'strict-transport-security': 'max-age=31536000' } as const

/** Sets the headers of every answer, the correlation id included. The error handler removes that id from anonymous answers. */
export function setHeaders(app: App, isTls: boolean): void {
  const headers = isTls ? { ...HEADERS, ...HSTS } : HEADERS
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers)
    reply.header('x-correlation-id', request.id)
    assertOneHost(request.raw)
    // The body of a GET or HEAD is never read; without this, Node would go on receiving all of it.
    if (request.method !== 'POST' && hasBody(request.headers)) reply.header('connection', 'close')
  })
}

/**
 * Throws 400 unless the request has exactly one Host header: with none or two, a proxy in front may have routed by another
 * name. Node's own check (`requireHostHeader`) only refuses a missing header, and not with a problem document.
 */
function assertOneHost({ rawHeaders, httpVersionMinor }: IncomingMessage): void {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (/^host$/i.test(rawHeaders[i] ?? '')) hosts += 1
  if (hosts === 1 || (hosts === 0 && httpVersionMinor === 0)) return
  throw new HttpProblem(400, { detail: 'expected one Host header', headers: { connection: 'close' } })
}
