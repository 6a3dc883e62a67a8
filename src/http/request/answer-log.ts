import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { isUuid } from '../../chain/uuid.js'
import type { App } from '../app-type.js'
import type { HttpDeps } from '../deps.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The operationId of the route, or `other` for a path without one. */
    operation: string
  }
}

/** Logs one line for each answer: the operation, the chain, the status and the duration. Logs nothing about the caller. */
export function logAnswers(app: App, { log, onAnswered }: Pick<HttpDeps, 'log' | 'onAnswered'>): void {
  app.decorateRequest('operation', 'other')
  nameOperations(app)
  app.addHook('onResponse', async (request, reply) => {
    const { operation } = request
    const { statusCode: status, elapsedTime } = reply
    onAnswered?.({ operation, status, seconds: elapsedTime / 1000 })
    log.info(
      {
        correlation_id: request.id,
        operation,
        ...domainOf(request),
        status,
        duration_ms: Math.round(elapsedTime * 10) / 10,
        ...(reply.raw.writableFinished ? {} : { aborted: true }),
      },
      'answered',
    )
  })
}

/** Stores the operation on each request, because `request.routeOptions` makes and freezes an object each time (40 µs under load). */
function nameOperations(app: App): void {
  app.addHook('onRoute', (route) => {
    const operation = route.schema?.operationId
    if (operation === undefined) return
    const name: onRequestHookHandler = (request, _reply, done) => {
      request.operation = operation
      done()
    }
    route.onRequest = [name, ...[route.onRequest ?? []].flat()]
  })
}

/** Returns the Domain only if it is a UUID: otherwise a caller could write anything into the log. */
function domainOf({ params }: FastifyRequest): { domain_id?: string } {
  const id = (params as { readonly domain_id?: unknown } | undefined)?.domain_id
  return typeof id === 'string' && isUuid(id) ? { domain_id: id } : {}
}
