import type { FastifyRequest } from 'fastify'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Principal } from '../../ports/access.js'
import { unauthenticated } from '../problem/problem.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before anything of the request is looked at; undefined on the paths that need no credential. */
    principal: Principal | undefined
  }
}

/** Longer than any JWT that fits the header limit in practice. */
const MAX_BEARER = 8192

/** The bearer text of a request. Throws 401 where there is none, or more than one header. */
export function bearerOf(request: FastifyRequest): string {
  const { authorization } = request.headers
  const bearer = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1]
  // Node joins no Authorization headers and keeps the first: two of them are a smuggling attempt.
  const given = request.raw.rawHeaders.filter((name, i) => i % 2 === 0 && /^authorization$/i.test(name))
  if (bearer === undefined || bearer.length > MAX_BEARER || given.length !== 1) throw unauthenticated()
  return bearer
}

export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw unauthenticated()
  return request.principal
}

/** The chain that a request is about, by its validated path. */
export function chainOf(request: FastifyRequest): string {
  const { domain_id } = request.params as { readonly domain_id?: string }
  return domain_id ?? PLATFORM_ANCHOR
}
