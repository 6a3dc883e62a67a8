import type { IncomingMessage } from 'node:http'
import type { App } from '../app-type.js'
import { HttpProblem } from '../problem/problem.js'

/** For every answer: it is nobody's to cache, to frame or to guess a type of. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

const HSTS = { 'strict-transport-security': 'max-age=31536000' } as const

/** Also the correlation id, which the error handler takes back where the answer must not differ from another one. */
export function setHeaders(app: App, isTls: boolean): void {
  const headers = isTls ? { ...HEADERS, ...HSTS } : HEADERS
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers)
    reply.header('x-correlation-id', request.id)
    assertOneHost(request.raw)
    // What a GET brings along is never read; without this Node would go on receiving it, all of it.
    if (request.method === 'GET' && hasBody(request.headers)) reply.header('connection', 'close')
  })
}

/** With none or two of them, a proxy in front may have meant another server. Node refuses none, and without a problem. */
function assertOneHost({ rawHeaders, httpVersionMinor }: IncomingMessage): void {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (/^host$/i.test(rawHeaders[i] ?? '')) hosts += 1
  if (hosts === 1 || (hosts === 0 && httpVersionMinor === 0)) return
  throw new HttpProblem(400, { detail: 'expected one Host header', headers: { connection: 'close' } })
}

export function hasBody(headers: Readonly<Record<string, unknown>>): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}
