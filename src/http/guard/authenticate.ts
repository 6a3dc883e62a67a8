import type { FastifyReply, FastifyRequest } from 'fastify'
import { clientGoneSignal } from '../connection/client-gone-signal.js'
import type { HttpDeps } from '../deps.js'
import { unauthenticated } from '../problem/problem.js'
import { asUnavailable } from './as-unavailable.js'
import { bearerOf } from './caller.js'

/** Returns a hook that sets the caller of a request. It runs first, before any part of the request is parsed. */
export function authenticate({ authenticator }: HttpDeps) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const principal = await authenticator
      .authenticate(bearerOf(request), clientGoneSignal(reply))
      .catch(asUnavailable('authenticator_unavailable'))
    if (principal === undefined) throw unauthenticated()
    request.principal = principal
  }
}
