import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AuditError, errnoOf } from '../../base/errors.js'
import { stackFrames } from '../../base/stack-frames.js'
import type { App } from '../app-type.js'
import type { HttpLog } from '../deps.js'
import { hasBody } from '../has-body.js'
import { errorProblem } from './error-problem.js'
import { HttpProblem } from './problem.js'

/** Bodies of this type are sent as bytes: to a text, Fastify adds a charset, which this type does not define. */
const PROBLEM_JSON = 'application/problem+json'

/** Turns every error into a problem document, and logs failures of the server. */
export function answerErrors(app: App, log: HttpLog): void {
  app.setErrorHandler((error, request, reply) => {
    const isGone = reply.raw.destroyed && !reply.raw.writableFinished
    const problem = isGone ? CLIENT_GONE : problemOf(error)
    // A deliberate 5xx is not a failure: 501, and /readyz of a server that is not ready, which is polled every second.
    const isFailure = problem.status >= 500 && !(error instanceof HttpProblem)
    if (isFailure) logFailure(log, request, problem.status, error)
    return sendProblem(request, reply, problem)
  })
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, noSuchPath()))
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: HttpProblem): FastifyReply {
  const { headers } = problem.options
  // A verify of missing rows has nothing to hide, so only GET and HEAD get an anonymous answer.
  const anonymous = problem.options.anonymous === true && request.method !== 'POST'
  if (headers !== undefined) reply.headers(headers)
  if (anonymous) reply.removeHeader('x-correlation-id')
  // Close the connection when the body was not read: Node would go on receiving the body to reuse the connection.
  if (hasBody(request.headers) && !request.raw.complete) reply.header('connection', 'close')
  const body = Buffer.from(JSON.stringify(problem.body(instanceOf(request, anonymous))))
  return reply.code(problem.status).type(PROBLEM_JSON).send(body)
}

/** Returns the requested path without its query, which may hold a pseudonym. An anonymous answer names only the collection. */
function instanceOf({ url }: FastifyRequest, anonymous: boolean): string {
  const path = /^[\x21-\x7e]{1,2048}$/.test(url) ? (url.split(/[?;#]/, 1)[0] ?? '/') : '/'
  return anonymous ? path.slice(0, path.lastIndexOf('/')) : path
}

/** Returns the problem for an error of Fastify, by its code, or of a use case. */
function problemOf(error: unknown): HttpProblem {
  const code = errnoOf(error)
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return BODY_TOO_LARGE
  if (code.startsWith('FST_ERR_CTP_')) {
    return new HttpProblem(400, { code: 'invalid_body', detail: 'the body does not match its headers' })
  }
  return isCutOff(error) ? INCOMPLETE : errorProblem(error)
}

/** The client disconnected and reads no answer. Errors that follow from that are not failures. Other servers log 499 too. */
const CLIENT_GONE = new HttpProblem(499, { detail: 'the client disconnected' })

const BODY_TOO_LARGE = new HttpProblem(413, {
  code: 'request_body_too_large',
  detail: 'expected a body of at most 8 KiB',
})

const INCOMPLETE = new HttpProblem(400, {
  code: 'invalid_body',
  detail: 'the body is incomplete',
})

/** Returns whether the client disconnected while it sent the body. No client reads the answer then. */
function isCutOff(error: unknown): boolean {
  return errnoOf(error) === 'ECONNRESET'
}

function noSuchPath(): HttpProblem {
  return new HttpProblem(404, { detail: 'there is no such path' })
}

/** Logs a failure. Leaves out the message of an error that is not ours, which may hold anything. */
function logFailure(log: HttpLog, request: FastifyRequest, status: number, error: unknown): void {
  const isKnown = error instanceof AuditError
  const fields = {
    correlation_id: request.id,
    operation: request.operation,
    status,
    error: isKnown ? error.code : error instanceof Error ? error.name : typeof error,
    ...(isKnown && error.code !== 'internal' && { reason: error.message }),
    ...(status === 500 && error instanceof Error && { stack: stackFrames(error) }),
  }
  log.error(fields, status === 500 ? 'a bug' : 'could not answer')
}

/** Answers 400 for a path that cannot be decoded. No route is known yet. */
export function refusePath(_error: unknown, _request: unknown, reply: FastifyReply): void {
  const problem = new HttpProblem(400, { detail: 'the path is not well-formed' })
  reply.raw.writeHead(400, { 'content-type': PROBLEM_JSON, 'cache-control': 'no-store' })
  reply.raw.end(JSON.stringify(problem.body('/')))
}

const BY_CLIENT_ERROR: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request took too long to arrive'],
  HPE_HEADER_OVERFLOW: [431, 'expected headers of at most 16 KiB'],
}

/** Answers input that is not HTTP, too slow or too large, if the socket still can, and closes the connection. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  // Do not write after an error of TLS: data written before the handshake is complete would wait for ever.
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
