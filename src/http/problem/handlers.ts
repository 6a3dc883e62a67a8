import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AuditError, errnoOf } from '../../base/errors.js'
import type { App } from '../app-type.js'
import type { HttpLog } from '../deps.js'
import { hasBody } from '../request/headers.js'
import { errorProblem } from './error-problem.js'
import { HttpProblem } from './problem.js'

/** Sent as bytes: to anything else Fastify adds a charset, which this type does not have. */
const PROBLEM_JSON = 'application/problem+json'

/** Every error becomes a problem, and what is not the client's is logged. */
export function answerErrors(app: App, log: HttpLog): void {
  app.setErrorHandler((error, request, reply) => {
    const isGone = reply.raw.destroyed && !reply.raw.writableFinished
    const problem = isGone ? CLIENT_GONE : problemOf(error)
    // What was decided on is no failure: 501, and a server that is not ready and is asked every second.
    const isFailure = problem.status >= 500 && !(error instanceof HttpProblem)
    if (isFailure) logFailure(log, request, problem.status, error)
    return sendProblem(request, reply, problem)
  })
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, noSuchPath()))
}

export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: HttpProblem,
): FastifyReply {
  const { headers } = problem.options
  // A verify of rows that are not there hides nothing.
  const anonymous = problem.options.anonymous === true && request.method === 'GET'
  if (headers !== undefined) reply.headers(headers)
  if (anonymous) reply.removeHeader('x-correlation-id')
  // An answer that comes before the body was read: Node would go on receiving it for the sake of the connection.
  if (hasBody(request.headers) && !request.raw.complete) reply.header('connection', 'close')
  const body = Buffer.from(JSON.stringify(problem.body(instanceOf(request, anonymous))))
  return reply.code(problem.status).type(PROBLEM_JSON).send(body)
}

/** The path that was asked for, without its query, which may hold a pseudonym; of an anonymous answer, the collection. */
function instanceOf({ url }: FastifyRequest, anonymous: boolean): string {
  const path = /^[\x21-\x7e]{1,2048}$/.test(url) ? (url.split(/[?;#]/, 1)[0] ?? '/') : '/'
  return anonymous ? path.slice(0, path.lastIndexOf('/')) : path
}

/** Fastify's own errors, by their codes, and those of the use cases. */
function problemOf(error: unknown): HttpProblem {
  const code = errnoOf(error)
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return BODY_TOO_LARGE
  if (code.startsWith('FST_ERR_CTP_')) {
    return new HttpProblem(400, { code: 'invalid_body', detail: 'the body is not what its headers say' })
  }
  return isCutOff(error) ? INCOMPLETE : errorProblem(error)
}

/** Nobody reads it; what failed because of it is no failure. 499 as other servers log it. */
const CLIENT_GONE = new HttpProblem(499, { detail: 'the client went away' })

const BODY_TOO_LARGE = new HttpProblem(413, {
  code: 'request_body_too_large',
  detail: 'expected a body of at most 8 KiB',
})

const INCOMPLETE = new HttpProblem(400, {
  code: 'invalid_body',
  detail: 'the body ended before it was whole',
})

/** The client went away while it sent the body; nobody reads the answer. */
function isCutOff(error: unknown): boolean {
  return errnoOf(error) === 'ECONNRESET'
}

function noSuchPath(): HttpProblem {
  return new HttpProblem(404, { detail: 'there is no such path' })
}

/** Of an error that is not ours the message stays out: it may hold anything. */
function logFailure(log: HttpLog, request: FastifyRequest, status: number, error: unknown): void {
  const isKnown = error instanceof AuditError
  const fields = {
    correlation_id: request.id,
    operation: request.operation,
    status,
    error: isKnown ? error.code : error instanceof Error ? error.name : typeof error,
    ...(isKnown && error.code !== 'internal' && { reason: error.message }),
    ...(status === 500 && error instanceof Error && { stack: frames(error) }),
  }
  log.error(fields, status === 500 ? 'a bug' : 'could not answer')
}

function frames(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n').map((line) => line.trim())
  return lines.filter((line) => line.startsWith('at ')).slice(0, 12)
}

/** A path that cannot be decoded, before any route is known. */
export function refusePath(_error: unknown, _request: unknown, reply: FastifyReply): void {
  const problem = new HttpProblem(400, { detail: 'the path is not a well-formed one' })
  reply.raw.writeHead(400, { 'content-type': PROBLEM_JSON, 'cache-control': 'no-store' })
  reply.raw.end(JSON.stringify(problem.body('/')))
}

const BY_CLIENT_ERROR: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request took too long to arrive'],
  HPE_HEADER_OVERFLOW: [431, 'expected headers of at most 16 KiB'],
}

/** What is no HTTP, or too slow, or too large: told where it still can be, and the connection ends. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  // Of TLS: what is written before the handshake is done would wait for it for ever.
  const isOfHttp = /^(?:HPE_|ERR_HTTP_)/.test(error.code ?? '')
  if (!isOfHttp || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, detail] = BY_CLIENT_ERROR[error.code ?? ''] ?? [400, 'the request is not well-formed HTTP']
  const body = JSON.stringify(new HttpProblem(status, { detail }).body('/'))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_JSON}`,
    'cache-control: no-store',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
