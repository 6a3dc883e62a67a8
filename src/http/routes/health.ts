import { z } from 'zod'
import type { Integrity, IntegrityState } from '../../ports/integrity.js'
import type { App } from '../app-type.js'
import { HttpProblem } from '../problem/problem.js'
import { notReady } from '../schemas/problem.js'

const health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' })
const ready = z
  .object({
    status: z.enum(['ready', 'degraded']).meta({
      description: '`degraded`: divergences were found, and an operator has acknowledged all of them.',
    }),
  })
  .meta({ id: 'Readiness' })

const json = (description: string, schema: z.ZodType) => ({
  description,
  content: { 'application/json': { schema } },
})

/** Registers the two health paths, which need no credential: the process answers, and every chain is intact. */
export function registerHealth(app: App, integrity: Integrity): void {
  app.route({
    method: 'GET',
    url: '/healthz',
    schema: {
      operationId: 'Healthz',
      summary: 'Check that the process answers',
      response: { 200: json('The process answers.', health) },
    },
    handler: async () => ({ status: 'ok' as const }),
  })
  app.route({
    method: 'GET',
    url: '/readyz',
    schema: {
      operationId: 'Readyz',
      summary: 'Check that every chain was verified and is intact',
      response: {
        200: json('Every chain is intact, or every divergence has been acknowledged.', ready),
        503: {
          description: 'A chain has not been verified yet, or a divergence has not been acknowledged.',
          content: { 'application/problem+json': { schema: notReady } },
        },
      },
    },
    handler: async () => readiness(integrity.state()),
  })
  registerHead(app, integrity)
}

/** Gives load balancers that send HEAD the same status. */
function registerHead(app: App, integrity: Integrity): void {
  app.head('/healthz', { schema: { hide: true } }, async (_request, reply) => reply.code(200).send())
  app.head('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    readiness(integrity.state())
    return reply.code(200).send()
  })
}

const DETAILS = {
  pending: 'the chains have not all been verified yet',
  diverged: 'a divergence was found and has not been acknowledged',
  stalled: 'the chains have not been verifiable for too long',
} as const

function readiness(state: IntegrityState): { status: 'ready' | 'degraded' } {
  if (state === 'ready' || state === 'degraded') return { status: state }
  throw new HttpProblem(503, { detail: DETAILS[state], members: { reason: state } })
}
