import type { FastifyReply, FastifyRequest } from 'fastify'
import { hangUpOf } from '../connection/client-gone-signal.js'
import type { HttpParts } from '../parts.js'
import { unauthenticated } from '../problem/problem.js'
import { unreachable } from './as-unavailable.js'
import { bearerOf } from './caller.js'

/** Comes first of all, before anything of the request is parsed. */
export function authenticate({ authenticator }: HttpParts) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const principal = await authenticator
      .authenticate(bearerOf(request), hangUpOf(reply))
      .catch(unreachable('authenticator_unavailable'))
    if (principal === undefined) throw unauthenticated()
    request.principal = principal
  }
}
