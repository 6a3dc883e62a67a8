import type { FastifyReply, FastifyRequest } from 'fastify'
import { chainObject } from '../../chain/self-audit.js'
import type { AccessDecision, AccessRelation } from '../../ports/access.js'
import { clientGoneSignal } from '../connection/client-gone-signal.js'
import type { HttpDeps } from '../deps.js'
import { entryNotFound, permissionDenied } from '../problem/problem.js'
import { asUnavailable } from './as-unavailable.js'
import { chainOf, principalOf } from './caller.js'

export interface AccessRule {
  readonly relation: AccessRelation
  /** Answer 404 instead of 403: a 403 would show that the entry exists, and so how long the chain is. */
  readonly hides?: true
  /** The Domain's policy may require an owner-only key. */
  readonly mayNeedOwnerKey?: true
}

type Denied = Extract<AccessDecision, { allowed: false }>

const OUT_OF_SCOPE: Denied = { allowed: false, reason: 'out_of_scope' }

/**
 * Returns a hook that lets a request through if its caller has the relation, and throws 403 or 404 otherwise. It reads
 * relations and never the chain, so that a forbidden and a missing chain take the same path and the same time.
 */
export function authorize(
  deps: HttpDeps,
  rule: AccessRule,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    const decision = await decide(deps, rule, request, clientGoneSignal(reply))
    if (decision.allowed) return
    recordDenial(deps, rule, request, decision)
    throw rule.hides ? entryNotFound() : permissionDenied(request.id, decision)
  }
}

async function decide(
  { authorizer, erasePolicy }: HttpDeps,
  rule: AccessRule,
  request: FastifyRequest,
  signal: AbortSignal,
): Promise<AccessDecision> {
  const principal = principalOf(request)
  const object = chainObject(chainOf(request))
  if (principal.readOnly && request.method === 'POST') return OUT_OF_SCOPE
  if (principal.boundChain !== undefined && principal.boundChain !== object) return OUT_OF_SCOPE
  const decision = await authorizer
    .check(principal.subject, rule.relation, object, signal)
    .catch(asUnavailable('authorizer_unavailable'))
  if (!decision.allowed || rule.mayNeedOwnerKey === undefined || principal.hasOwnerKey) return decision
  return (await erasePolicy.isEraseOwnerOnly(object, signal)) ? OUT_OF_SCOPE : decision
}

function recordDenial(deps: HttpDeps, rule: AccessRule, request: FastifyRequest, { reason }: Denied): void {
  const { subject, subjectId } = principalOf(request)
  deps.denials.add({
    subject,
    subjectId,
    domainId: chainOf(request),
    relation: rule.relation,
    reason,
    correlationId: request.id,
    ip: request.ip,
    userAgent: request.headers['user-agent'],
  })
}
