import type { FastifyRequest } from 'fastify'
import type { App } from './app.js'
import type { HttpParts } from './parts.js'

/** A line for each answer: which operation on which chain, how it ended, how long it took. Nothing about who asked. */
export function logAnswers(app: App, { log, onAnswered }: Pick<HttpParts, 'log' | 'onAnswered'>): void {
  app.addHook('onResponse', async (request, reply) => {
    const operation = operationOf(request)
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

function operationOf(request: FastifyRequest): string {
  return request.routeOptions.schema?.operationId ?? 'other'
}

/** Only what has been found to be a UUID: else a caller could write anything into the log. */
function domainOf({ params }: FastifyRequest): { domain_id?: string } {
  const id = (params as { readonly domain_id?: unknown } | undefined)?.domain_id
  return typeof id === 'string' && /^[0-9a-f-]{36}$/.test(id) ? { domain_id: id } : {}
}
