import { z } from 'zod'
import type { Integrity, IntegrityState } from '../../ports/integrity.js'
import type { App } from '../app-type.js'
import { HttpProblem } from '../problem/problem.js'
import { notReady } from '../schemas/problem.js'

const health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' })
const ready = z
  .object({
    status: z.enum(['ready', 'degraded']).meta({
      description: '`degraded`: every divergence that was found has been acknowledged by an operator.',
    }),
  })
  .meta({ id: 'Readiness' })

const json = (description: string, schema: z.ZodType) => ({
  description,
  content: { 'application/json': { schema } },
})

/** Without a credential: they tell that the process answers, and that the chains are what they were. */
export function registerHealth(app: App, integrity: Integrity): void {
  app.route({
    method: 'GET',
    url: '/healthz',
    schema: {
      operationId: 'Healthz',
      summary: 'Whether this process answers',
      response: { 200: json('It does.', health) },
    },
    handler: async () => ({ status: 'ok' as const }),
  })
  app.route({
    method: 'GET',
    url: '/readyz',
    schema: {
      operationId: 'Readyz',
      summary: 'Whether every chain was verified and stands',
      response: {
        200: json('Every chain stands, or what does not has been acknowledged.', ready),
        503: {
          description: 'Not yet verified, or a divergence stands unacknowledged.',
          content: { 'application/problem+json': { schema: notReady } },
        },
      },
    },
    handler: async () => readiness(integrity.state()),
  })
  registerHead(app, integrity)
}

/** Balancers that ask with HEAD get the same status. */
function registerHead(app: App, integrity: Integrity): void {
  app.head('/healthz', { schema: { hide: true } }, async (_request, reply) => reply.code(200).send())
  app.head('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    readiness(integrity.state())
    return reply.code(200).send()
  })
}

const DETAILS = {
  pending: 'the chains have not all been verified yet',
  diverged: 'a divergence was found and stands unacknowledged',
  stalled: 'the chains could not be verified for too long',
} as const

function readiness(state: IntegrityState): { status: 'ready' | 'degraded' } {
  if (state === 'ready' || state === 'degraded') return { status: state }
  throw new HttpProblem(503, { detail: DETAILS[state], members: { reason: state } })
}
