import type { FastifyReply } from 'fastify'

const signals = new WeakMap<FastifyReply, AbortSignal>()

/**
 * Returns a signal that aborts when the client disconnects before its answer is complete. Fastify's `request.signal` is no
 * substitute: it aborts as soon as the body of a POST has been read.
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

class ClientGone extends Error {
  override readonly name = 'AbortError'
}
