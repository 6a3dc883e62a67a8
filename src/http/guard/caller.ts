import type { FastifyRequest } from 'fastify'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Principal } from '../../ports/access.js'
import { unauthenticated } from '../problem/problem.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before any part of the request is parsed. Undefined on paths that need no credential. */
    principal: Principal | undefined
  }
}

/** In practice longer than any JWT that fits the header limit. */
const MAX_BEARER = 8192

/** Returns the bearer text of a request. Throws 401 unless there is exactly one header with a bearer text. */
export function bearerOf(request: FastifyRequest): string {
  const { authorization } = request.headers
  const bearer = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1]
  // Node keeps the first Authorization header and drops the others: two headers are a smuggling attempt.
  const given = request.raw.rawHeaders.filter((name, i) => i % 2 === 0 && /^authorization$/i.test(name))
  if (bearer === undefined || bearer.length > MAX_BEARER || given.length !== 1) throw unauthenticated()
  return bearer
}

export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw unauthenticated()
  return request.principal
}

/** Returns the chain that the validated path names. */
export function chainOf(request: FastifyRequest): string {
  const { domain_id } = request.params as { readonly domain_id?: string }
  return domain_id ?? PLATFORM_ANCHOR
}
