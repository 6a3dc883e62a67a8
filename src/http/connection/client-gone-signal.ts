import type { FastifyReply } from 'fastify'

const signals = new WeakMap<FastifyReply, AbortSignal>()

/**
 * Aborts when the client goes away before it has its answer. Not Fastify's `request.signal`: that one aborts as soon as
 * the body of a POST has been read.
 */
export function clientGoneSignal(reply: FastifyReply): AbortSignal {
  const known = signals.get(reply)
  if (known !== undefined) return known
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new ClientGone())
  })
  signals.set(reply, controller.signal)
  return controller.signal
}

export class ClientGone extends Error {
  override readonly name = 'AbortError'
}
