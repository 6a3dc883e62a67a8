import type { FastifyReply, FastifyRequest } from 'fastify'
import { chainObject } from '../../chain/self-audit.js'
import type { AccessDecision, AccessRelation } from '../../ports/access.js'
import { clientGoneSignal } from '../connection/client-gone-signal.js'
import type { HttpDeps } from '../deps.js'
import { entryNotFound, permissionDenied } from '../problem/problem.js'
import { asUnavailable } from './as-unavailable.js'
import { chainOf, principalOf } from './caller.js'

export interface GateRule {
  readonly relation: AccessRelation
  /** Answer 404 instead of 403: a 403 would tell that the entry is there, and so the chain's length. */
  readonly hides?: true
  /** Whether the Domain's policy may want an owner-only key. */
  readonly ownerOnly?: true
}

type Denied = Extract<AccessDecision, { allowed: false }>

const OUT_OF_SCOPE: Denied = { allowed: false, reason: 'out_of_scope' }

/**
 * The gate of an operation. It asks for relations and never for the chain: what is forbidden and what does not exist
 * take the same way and the same time.
 */
export function gate(
  deps: HttpDeps,
  rule: GateRule,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    const decision = await decide(deps, rule, request, clientGoneSignal(reply))
    if (decision.allowed) return
    tellDenial(deps, rule, request, decision)
    throw rule.hides ? entryNotFound() : permissionDenied(request.id, decision)
  }
}

async function decide(
  { authorizer, ownerOnly }: HttpDeps,
  rule: GateRule,
  request: FastifyRequest,
  signal: AbortSignal,
): Promise<AccessDecision> {
  const principal = principalOf(request)
  const object = chainObject(chainOf(request))
  if (principal.readOnly && request.method !== 'GET') return OUT_OF_SCOPE
  if (principal.object !== undefined && principal.object !== object) return OUT_OF_SCOPE
  const decision = await authorizer
    .check(principal.subject, rule.relation, object, signal)
    .catch(asUnavailable('authorizer_unavailable'))
  if (!decision.allowed || rule.ownerOnly === undefined || principal.ownerOnly) return decision
  return (await ownerOnly?.isEraseOwnerOnly(object, signal)) === true ? OUT_OF_SCOPE : decision
}

function tellDenial(deps: HttpDeps, rule: GateRule, request: FastifyRequest, { reason }: Denied): void {
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
